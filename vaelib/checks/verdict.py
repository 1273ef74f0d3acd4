"""How a check finds its verdict: it calls the function on several cases, and compares.

A case may come with arguments that take gradients. Then the values are compared first, and after them the gradients
that reach these arguments with those of the right answer.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from vaelib import require
from vaelib.checks.record import NothingYet, NotYet
from vaelib.language import _, listed


class Case(NamedTuple):
    """Arguments, the right answer to them, what each likely mistake makes of them, and what is special about them."""

    arguments: tuple
    right: Tensor
    mistakes: Mapping[str, Tensor]
    what: str = ""  # completes "right at first, but for …"
    leaves: Mapping[str, Tensor] = {}  # the arguments that gradients should reach, by name
    rtol: float = 1e-4


def compare(function: Callable, cases: Iterable[Case]) -> None:
    """Try the `function` on each of the `cases`. Raises NotYet with the first fault."""
    for k, case in enumerate(cases):
        function = or_in_float32(function) if k == 1 else function
        answer = answer_of(function, detached(case.arguments), None)
        fault = fault_of_value(answer, case)
        if fault:
            again = quiet_answer_of(function, detached(case.arguments))
            if again is not None and not is_same(again, answer):
                fault = _("the answer changes from call to call: nothing in it should be drawn at random")
            raise NotYet(
                fault
                if k == 0 or not case.what
                else _("right at first, but for {what} {fault}").format(what=case.what, fault=fault)
            )
        fault = fault_of_slopes(function, case) if case.leaves else ""
        if fault:
            raise NotYet(fault)


def fault_of_value(answer: Tensor, case: Case) -> str:
    """Which of the mistakes gives this `answer`, or how it differs; "" if it is right."""
    if is_same(answer, case.right, case.rtol):
        return ""
    for reason, wrong in case.mistakes.items():
        if is_same(answer, wrong, case.rtol):
            return reason
    if answer.shape == case.right.shape:
        return difference_between(case.right, answer)
    said = _("the result should have shape {right}, it has {found}")
    if answer.numel() == case.right.numel() == 1:
        said = _(
            "the result should have shape {right}, it has {found}: take the number out, with .squeeze() or without "
            "keepdim"
        )
    elif case.right.ndim == 2 and answer.shape == case.right.T.shape:
        said = _("the result should have shape {right}, it has {found}: rows and columns are exchanged")
    return said.format(right=tuple(case.right.shape), found=tuple(answer.shape))


def fault_of_slopes(function: Callable, case: Case) -> str:
    """What is wrong with the gradients that reach the case's `leaves`; "" if nothing is."""
    try:
        answer = torch.as_tensor(function(*case.arguments)).cpu()
    except Exception as error:
        if "numpy" in str(error):
            return _("the values are right, but NumPy keeps no gradients: take the functions of torch")
        return stopped_by_gradients(error)
    names = list(case.leaves)
    if not answer.requires_grad:
        return _no_gradient_reaches(names)
    weights = 1 + torch.rand(case.right.shape, generator=generator(), dtype=case.right.dtype)  # no sum may hide one
    try:
        found = slopes_of(answer * weights, case.leaves)
    except RuntimeError as error:  # what the way back needs was changed in its place
        return stopped_by_gradients(error)
    for name, slope, expected in zip(names, found, slopes_of(case.right * weights, case.leaves), strict=True):
        if slope is None or (not slope.any() and expected.any()):
            return _no_gradient_reaches([name])
        if not is_same(slope, expected, case.rtol):
            return _(
                "the values are right, but part of the gradient that should reach {name} is lost: training needs it, "
                "and .item(), .detach(), .data, torch.tensor() and no_grad() cut it"
            ).format(name=name)
    return ""


def stopped_by_gradients(error: Exception) -> str:
    return _("with arguments that take gradients your function stopped with {kind}: {error}").format(
        kind=type(error).__name__, error=error
    )


def _no_gradient_reaches(names: Iterable[str]) -> str:
    return _(
        "the values are right, but no gradient reaches {names}: training needs it, and .item(), .detach(), .data, "
        "torch.tensor() and no_grad() cut it"
    ).format(names=listed(names))


def slopes_of(values: Tensor, leaves: Mapping[str, Tensor]) -> tuple[Tensor | None, ...]:
    """The gradient of the sum of the `values` at each of the `leaves`."""
    return torch.autograd.grad(values.sum(), list(leaves.values()), allow_unused=True, retain_graph=True)


def answer_of(function: Callable, arguments: tuple, shape) -> Tensor:
    """The function's answer as a tensor. Raises NotYet, which says why there is none, or NothingYet."""
    try:
        answer = function(*arguments)
    except Exception as error:  # whatever a student's code may raise: say it, and let the notebook go on
        raise NotYet(
            _("your function stopped with {kind}: {error}").format(kind=type(error).__name__, error=error)
        ) from None
    if answer is None:
        raise NotYet(_("your function returns nothing: is a `return` missing?"))
    if answer is ...:
        raise NothingYet
    try:
        answer = as_tensor(answer)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise NotYet(_fault_of_kind(answer)) from None
    if shape is not None and answer.shape != shape:
        said = _("the result should have shape {right}, it has {found}")
        raise NotYet(said.format(right=tuple(shape), found=tuple(answer.shape)))
    if answer.is_complex():
        raise NotYet(_("the result holds complex numbers: is there a root of a negative number in it?"))
    return answer


def as_tensor(answer) -> Tensor:
    """A dense tensor of a number, an array or a list of numbers. Raises TypeError, ValueError, RuntimeError or
    OverflowError for others."""
    if isinstance(answer, Tensor):
        require.there("the result", answer)
    if isinstance(answer, (list, tuple)) and any(isinstance(part, Tensor) for part in answer):
        raise TypeError("a list of tensors")
    if hasattr(answer, "__float__") and not hasattr(answer, "__array__"):
        return torch.as_tensor(answer if isinstance(answer, (bool, int, float)) else float(answer))
    return torch.as_tensor(answer).cpu()


def _fault_of_kind(answer) -> str:
    """What is wrong with an `answer` that is no tensor."""
    if callable(answer):
        name = getattr(answer, "__name__", "it")
        said = _("the result should be a tensor, it is the function {name} itself: call it, with brackets behind it.")
        if name == "size":
            said = _(
                "the result should be a tensor, it is the function {name} itself: call it, with brackets behind it. "
                "PyTorch's image.size is one, NumPy's is a number: here it is numel()"
            )
        return said.format(name=name)
    said = _("the result should be a tensor, it is a {kind}")
    if isinstance(answer, Tensor):  # that holds its numbers in a way of its own, or none
        return said.format(kind=f"{answer.device.type} {str(answer.layout).removeprefix('torch.')} Tensor")
    if hasattr(answer, "total"):
        said = _("the result should be a tensor, it is a whole {kind}: return its .total")
    elif isinstance(answer, (list, tuple)):
        said = _("the result should be a tensor, it is a {kind} of {size}: torch.stack makes one tensor of several")
        return said.format(kind=type(answer).__name__, size=len(answer))
    return said.format(kind=type(answer).__name__)


def pair_of(function: Callable, arguments: tuple, shape) -> tuple[Tensor, Tensor]:
    """The function's two answers, each a tensor of that shape. Raises as `answer_of` does."""
    answers = []

    def first_of_two(*arguments):
        answer = function(*arguments)
        if isinstance(answer, (tuple, list)) and len(answer) == 2:
            answers.extend(answer)
            return answer[0]
        return answer

    first = answer_of(first_of_two, arguments, shape)
    if not answers:
        raise NotYet(_("the result should be a pair of tensors: return z, kl"))
    return first, answer_of(lambda: answers[1], (), shape)


def quiet_answer_of(function: Callable, arguments: tuple) -> Tensor | None:
    """What the function answers to the same `arguments` once more, without a word."""
    with contextlib.suppress(Exception):
        return as_tensor(function(*arguments))


def or_in_float32(function: Callable) -> Callable:
    """The `function`, which gets float32 for float64 where it mixes the two and torch won't: that is no mistake."""

    def tried(*arguments):
        try:
            return function(*arguments)
        except RuntimeError as error:
            if "double" not in str(error).lower():
                raise
        return function(*(one.float() if _is_double(one) else one for one in arguments))

    return tried


def _is_double(value) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.float64


def detached(arguments: tuple) -> tuple:
    """Copies: an answer may be computed in the place of an argument, or in NumPy, which takes no gradients."""
    return tuple(one.detach().clone() if isinstance(one, Tensor) else one for one in arguments)


def is_same(a: Tensor, b: Tensor, rtol: float = 1e-4) -> bool:
    """Equal up to rounding, and of the same shape."""
    if a.shape != b.shape or a.is_complex():
        return False
    return torch.allclose(a.detach().double(), b.detach().double(), rtol=rtol, atol=1e-6, equal_nan=True)


def difference_between(expected: Tensor, found: Tensor) -> str:
    """Where two tensors of one shape differ most, in as many digits as it takes to see it."""
    expected, found = expected.detach().double(), found.detach().double()
    apart = (found - expected).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
    apart = torch.where(found == expected, 0, apart)  # inf − inf is NaN, and no difference
    k = apart.argmax().item()
    digits = next((d for d in range(3, 17) if f"{expected.flatten()[k]:.{d}g}" != f"{found.flatten()[k]:.{d}g}"), 17)
    right, yours = (f"{values.flatten()[k]:.{digits}g}".replace("-", "−") for values in (expected, found))
    if expected.numel() == 1:
        return _("expected {right}, got {yours}").format(right=right, yours=yours)
    place = [i.item() for i in torch.unravel_index(torch.tensor(k), expected.shape)]
    return _("expected {right} at {place}, where you are furthest off, got {yours}").format(
        right=right, place=place, yours=yours
    )


def generator(seed: int = 0) -> torch.Generator:
    """The same random numbers for every student."""
    return torch.Generator().manual_seed(seed)
