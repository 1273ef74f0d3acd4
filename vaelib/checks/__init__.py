"""The checks behind the exercises: each tries your function on small cases and names the likely mistake.

A check prints one line and raises nothing, so that an unsolved exercise never stops a notebook. The line starts with
✓ (solved), ✗ (not yet, and why) or ○ (nothing written so far). The checks of lesson 04 stand in lesson_04.py; what they
found can be read by a program, and for a grader they can raise (record.py).
"""

from vaelib.checks.lesson_00 import check_numbers_in
from vaelib.checks.lesson_01 import check_interpolation, check_reconstruction
from vaelib.checks.lesson_02 import check_kl_by_samples, check_kl_of_normals
from vaelib.checks.lesson_03 import check_elbo, check_posterior_on_grid
from vaelib.checks.lesson_04 import check_kl, check_sample, check_vae_loss
from vaelib.checks.lesson_05 import check_collapsed, check_effective_beta
from vaelib.checks.lesson_06 import check_push_forward, check_traversal
from vaelib.checks.lesson_07 import check_log_mean_exp, check_prior_quantiles
from vaelib.checks.lesson_08 import check_draw, check_pixels, check_sampler_and_kl, check_test_loss
from vaelib.checks.lesson_10 import check_detail, check_tiles
from vaelib.checks.record import Verdict, progress, verdicts
from vaelib.checks.yours import yours

__all__ = [
    "Verdict",
    "check_collapsed",
    "check_detail",
    "check_draw",
    "check_effective_beta",
    "check_elbo",
    "check_interpolation",
    "check_kl",
    "check_kl_by_samples",
    "check_kl_of_normals",
    "check_log_mean_exp",
    "check_numbers_in",
    "check_pixels",
    "check_posterior_on_grid",
    "check_prior_quantiles",
    "check_push_forward",
    "check_reconstruction",
    "check_sample",
    "check_sampler_and_kl",
    "check_test_loss",
    "check_tiles",
    "check_traversal",
    "check_vae_loss",
    "progress",
    "verdicts",
    "yours",
]
