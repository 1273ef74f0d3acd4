"""The controls of a live picture redraw it, each in its own place."""

import ipywidgets as widgets
import pytest

from vaelib.explorers import live


def slider():
    return widgets.FloatSlider(value=0, min=-1, max=1)


def test_the_picture_is_drawn_at_once_and_again_when_a_control_moves():
    first, second = slider(), slider()
    box = live(lambda a, b: f"{a} {b}", first, second)
    assert box.children[-1].value == "0.0 0.0"
    second.value = 0.5
    assert box.children[-1].value == "0.0 0.5"
    first.value = -1
    assert box.children[-1].value == "-1.0 0.5"


def test_two_live_pictures_do_not_disturb_each_other():
    one, other = slider(), slider()
    box_of_one, box_of_other = live(str, one), live(str, other)
    one.value = 0.5
    assert (box_of_one.children[-1].value, box_of_other.children[-1].value) == ("0.5", "0.0")


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        (("text", slider()), TypeError, "draw"),
        ((str,), ValueError, "controls"),
        ((str, 3), TypeError, "controls"),
        ((str, widgets.VBox()), TypeError, "controls"),
    ],
)
def test_bad_arguments_are_named(arguments, error, named):
    with pytest.raises(error, match=named):
        live(*arguments)
