"""Adam with a one-cycle rate (Smith and Topin 2017, arXiv 1708.07120), for `fit`.

The classes of torch.optim import torch's compiler, only to be left alone by it: four seconds and 150 MB in each lesson.
Adam as a function (torch.optim.adam.adam) does the same steps without. What remains is its state and the rate, here.
"""

import math

import torch
from torch.optim.adam import adam

FIRST, LAST = 1 / 25, 1 / 250_000  # where the rate begins and ends, as parts of its peak
BETAS = (0.9, 0.99)  # how slowly the two means follow the gradient and its square


class OneCycleAdam:
    """Like torch.optim.Adam(fused=True) under torch.optim.lr_scheduler.OneCycleLR, for `steps` steps."""

    def __init__(self, model: torch.nn.Module, peak: float, steps: int):
        """Trains those weights of `model` that take gradients; `peak` is the largest rate."""
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.means = [torch.zeros_like(weight) for weight in self.weights]  # of the gradient
        self.squares = [torch.zeros_like(weight) for weight in self.weights]
        self.counts = [torch.zeros((), dtype=torch.float32, device=weight.device) for weight in self.weights]
        self.peak, self.steps, self.done = peak, steps, 0

    def rate(self) -> float:
        """The rate of the next step: it climbs for a fifth of the way, at least one step, and falls to almost 0."""
        up = max(0.2 * (self.steps + 1), 2) - 1
        begin, end, way = FIRST, 1.0, self.done / up
        if self.done > up:
            begin, end, way = 1.0, LAST, (self.done - up) / (self.steps - up)
        return self.peak * (end + (begin - end) * (1 + math.cos(math.pi * way)) / 2)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step for each weight that got a gradient."""
        state = zip(self.weights, self.means, self.squares, self.counts, strict=True)
        trained = [of_weight for of_weight in state if of_weight[0].grad is not None]
        weights, means, squares, counts = map(list, zip(*trained, strict=True)) if trained else ([], [], [], [])
        adam(
            weights,
            [weight.grad for weight in weights],
            means,
            squares,
            [],
            counts,
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.rate(),
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        self.done += 1
