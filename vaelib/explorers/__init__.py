"""The interactive parts of the lessons: models that answer while the hand moves.

An explorer is an anywidget. Python sends the weights to the browser once, and the browser decodes: so it answers within
a frame, also while the kernel is busy, and also on a page that has no kernel. Its traits can be read, set and linked
from Python, like those of any ipywidget. Each explorer is a pair of files, NAME.py and NAME.js; browser/ holds what the
JavaScript of all of them shares.
"""

# `vaelib.explorers.explore_map` is the function, as lessons call it; the module of that name is reached by
# `from vaelib.explorers.explore_map import …`.
from vaelib.explorers.base import Explorer
from vaelib.explorers.compare_codes import CompareCodes, compare_codes
from vaelib.explorers.draw_a_digit import DrawADigit, draw_a_digit
from vaelib.explorers.explore_beta import ExploreBeta, explore_beta
from vaelib.explorers.explore_latents import ExploreLatents, explore_latents
from vaelib.explorers.explore_map import ExploreMap, explore_map
from vaelib.explorers.judge import judge
from vaelib.explorers.live import live
from vaelib.explorers.watch_training import WatchTraining, watch_training

__all__ = [
    "CompareCodes",
    "DrawADigit",
    "ExploreBeta",
    "ExploreLatents",
    "ExploreMap",
    "Explorer",
    "WatchTraining",
    "compare_codes",
    "draw_a_digit",
    "explore_beta",
    "explore_latents",
    "explore_map",
    "judge",
    "live",
    "watch_training",
]
