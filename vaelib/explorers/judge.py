"""A blind test: pairs of rows of images, and who made which is told at the end."""

from collections.abc import Mapping

import ipywidgets as widgets
import torch
from torch import Tensor

from vaelib import require
from vaelib.figures import picture_html


def judge(rows: Mapping[str, Tensor], *, question: str, seed: int = 0) -> widgets.VBox:
    """Shows pairs of rows, one of each maker, in an order that is drawn by lot; asks `question`; counts at the end.

    `rows` are two names, each with its rows of images (pairs, n, C, H, W) in [0, 1]. Nothing on the screen tells who
    made a row before all pairs are judged. Raises TypeError or ValueError that names the argument.
    """
    require.mapping("rows", rows)
    require.text("question", question, "say what is to be chosen")
    require.seed("seed", seed)
    if len(rows) != 2:
        raise ValueError(f"rows must be those of two makers, got {len(rows)}")
    for name, images in rows.items():
        if not isinstance(images, Tensor) or images.ndim != 5 or images.shape != next(iter(rows.values())).shape:
            raise ValueError(f"rows[{name!r}] must have shape (pairs, n, C, H, W), the same for both")
        require.images(f"rows[{name!r}]", images.flatten(0, 1))
    names, pairs = list(rows), len(next(iter(rows.values())))
    first_is_upper = (torch.rand(pairs, generator=torch.Generator().manual_seed(seed)) < 0.5).tolist()
    chosen: list[str] = []
    picture, said = widgets.HTML(), widgets.HTML()
    buttons = [widgets.Button(description=f"the {side} row") for side in ("upper", "lower")]

    def order() -> list[str]:
        return names if first_is_upper[len(chosen)] else names[::-1]

    def show() -> None:
        if len(chosen) == pairs:
            for button in buttons:
                button.disabled = True
            said.value = " ".join(f"<b>{name}: {chosen.count(name)} of {pairs}.</b>" for name in names)
            return
        picture.value = "<br>".join(
            picture_html(rows[name][len(chosen)], alt=f"the {side} row of pair {len(chosen) + 1}", height=96)
            for side, name in zip(("upper", "lower"), order(), strict=True)
        )
        said.value = f"Pair {len(chosen) + 1} of {pairs}. {question}"

    for place, button in enumerate(buttons):
        button.on_click(lambda _, place=place: (chosen.append(order()[place]), show()))
    show()
    return widgets.VBox([said, picture, widgets.HBox(buttons)])
