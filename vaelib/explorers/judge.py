"""A blind test: pairs of rows of images, and who made which is told at the end."""

from collections.abc import Mapping

import ipywidgets as widgets
import torch
from torch import Tensor

from vaelib import require
from vaelib.figures import picture_html
from vaelib.language import _


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
    buttons = [widgets.Button(description=said) for said in (_("the upper row"), _("the lower row"))]

    def order() -> list[str]:
        return names if first_is_upper[len(chosen)] else names[::-1]

    def show() -> None:
        if len(chosen) == pairs:
            for button in buttons:
                button.disabled = True
            count = _("<b>{name}: {count} of {pairs}.</b>")
            said.value = " ".join(count.format(name=name, count=chosen.count(name), pairs=pairs) for name in names)
            return
        number = len(chosen) + 1
        alts = (_("the upper row of pair {number}"), _("the lower row of pair {number}"))
        picture.value = "<br>".join(
            picture_html(rows[name][len(chosen)], alt=alt.format(number=number), height=96)
            for alt, name in zip(alts, order(), strict=True)
        )
        said.value = _("Pair {number} of {pairs}. {question}").format(number=number, pairs=pairs, question=question)

    for place, button in enumerate(buttons):
        button.on_click(lambda _button, place=place: (chosen.append(order()[place]), show()))
    show()
    return widgets.VBox([said, picture, widgets.HBox(buttons)])
