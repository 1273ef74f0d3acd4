"""Plain sliders above a picture that Python draws."""

from collections.abc import Callable

import ipywidgets as widgets


def live(draw: Callable[..., str], *controls: widgets.Widget) -> widgets.VBox:
    """Controls above a picture that is drawn anew whenever one of them changes.

    `draw` takes the controls' values, in their order, and returns HTML, as `vaelib.figures.picture_html` does.
    Raises TypeError if `draw` is no function or a control has no value, ValueError if there is no control.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function, got {type(draw).__name__}")
    if not controls:
        raise ValueError("controls must be at least one widget")
    if not all(isinstance(control, widgets.Widget) and control.has_trait("value") for control in controls):
        raise TypeError("controls must be ipywidgets that have a value, such as FloatSlider")
    picture = widgets.HTML()

    def update(_=None):
        picture.value = draw(*(control.value for control in controls))

    for control in controls:
        control.layout.width = "36em"  # wide enough for a hall, and for small steps of the mouse
        control.observe(update, "value")
    update()
    return widgets.VBox([*controls, picture])
