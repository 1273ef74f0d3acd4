"""A reader's own answers put to use: what is solved becomes a part of something larger."""

from collections.abc import Callable

import torch

from vaelib.checks.lesson_04 import check_kl, check_sample, check_vae_loss
from vaelib.checks.mistakes import kl_of
from vaelib.language import _
from vaelib.require import shown


def _sample(mu, log_var):
    return mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)


def _loss_of_the_course(x, x_hat, mu, log_var, beta):
    return ((x - x_hat).abs().sum(dim=(1, 2, 3)) + beta * kl_of(mu, log_var).sum(dim=1)).mean()


_COURSES = {
    "sample": (check_sample, _sample),
    "kl": (check_kl, kl_of),
    "loss_of_the_course": (check_vae_loss, _loss_of_the_course),
}


def yours(function: Callable) -> Callable:
    """The reader's `function` if its check finds it right; else the course's, and a line that says so.

    So what is built of several exercises runs before they are solved. `function` has the name that its exercise gives
    it: sample, kl or loss_of_the_course. Raises TypeError for anything else.
    """
    name = getattr(function, "__name__", None)
    if name not in _COURSES:
        raise TypeError(f"function must be one of the exercises {', '.join(_COURSES)}, got {shown(function)}")
    check, of_the_course = _COURSES[name]
    if check.verdict(function).sign == "✓":
        print(_("{name}: yours").format(name=name))
        return function
    print(_("{name}: the course's, until yours is right").format(name=name))
    return of_the_course
