"""How a check says what it found: it calls the function, compares the answer, and prints one line."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def report(function: Callable, arguments: tuple, right: Tensor, mistakes: Mapping[str, Tensor], praise: str) -> None:
    """Call the `function`, and `judge` its answer if there is one."""
    answer = answer_of(function, arguments, None)
    if answer is not None:
        judge(answer, right, mistakes, praise)


def judge(answer: Tensor, right: Tensor, mistakes: Mapping[str, Tensor], praise: str) -> None:
    """Print whether the `answer` is `right`, and if not, which of the `mistakes` gives it."""
    if is_same(answer, right):
        print(f"✓ right: {praise}")
        return
    for reason, wrong in mistakes.items():
        if is_same(answer, wrong):
            return not_yet(reason)
    if answer.shape != right.shape:
        return not_yet(f"the result should have shape {tuple(right.shape)}, it has {tuple(answer.shape)}")
    not_yet(f"expected {_short(right)}, got {_short(answer)}")


def answer_of(function: Callable, arguments: tuple, shape) -> Tensor | None:
    """The function's answer as a tensor, or None after saying why there is none."""
    try:
        answer = function(*arguments)
    except Exception as error:  # whatever a student's code may raise: say it, and let the notebook go on
        not_yet(f"your function stopped with {type(error).__name__}: {error}")
        return None
    if answer is None:
        not_yet("your function returns nothing: is a `return` missing?")
        return None
    if answer is ...:
        print("○ nothing to check yet: replace the ... in the cell above, run it, then run this cell again")
        return None
    try:
        answer = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError):
        not_yet(f"the result should be a tensor, it is a {type(answer).__name__}")
        return None
    if shape is not None and answer.shape != shape:
        not_yet(f"the result should have shape {tuple(shape)}, it has {tuple(answer.shape)}")
        return None
    return answer


def pair_of(function: Callable, arguments: tuple, shape) -> tuple[Tensor, Tensor] | None:
    """The function's two answers, each a tensor of that shape, or None after saying why there are none."""
    answers = []

    def first_of_two(*arguments):
        answer = function(*arguments)
        if isinstance(answer, (tuple, list)) and len(answer) == 2:
            answers.extend(answer)
            return answer[0]
        return answer

    first = answer_of(first_of_two, arguments, shape)
    if first is None:
        return None
    if not answers:
        not_yet("the result should be a pair of tensors: return z, kl")
        return None
    second = answer_of(lambda: answers[1], (), shape)
    return None if second is None else (first, second)


def is_same(a: Tensor, b: Tensor) -> bool:
    """Equal up to rounding, and of the same shape."""
    return a.shape == b.shape and torch.allclose(a.detach().double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def _short(values: Tensor) -> str:
    first = ", ".join(f"{value:.3f}" for value in values.detach().flatten()[:4].tolist())
    return first if values.numel() == 1 else f"values that begin with {first}"


def not_yet(reason: str) -> None:
    """Print why an answer is not right."""
    print(f"✗ not yet: {reason}")


def generator() -> torch.Generator:
    """The same random numbers for every student."""
    return torch.Generator().manual_seed(0)
