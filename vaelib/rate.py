"""What a rate is made of: how much z tells about its image, and how far all z together are from the prior."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.losses import kl_to_standard_normal
from vaelib.measures import batches_of, noise_for, require_arguments
from vaelib.models import in_eval_mode


class RateParts(NamedTuple):
    """What a rate is made of, in nats per image: rate = information + distance, and the standard error of these two."""

    rate: float
    information: float
    distance: float
    error: float


@in_eval_mode("vae")
@torch.no_grad()
def decompose_rate(vae, images: Tensor, *, samples: int = 1, seed: int = 0, batch_size: int = 500) -> RateParts:
    """The rate in two: how much z tells which image it came from, and how far the crowd of all z is from the prior.

    Over n images, with the crowd q(z) = 1/n Σ_i q(z|x_i), the aggregated posterior:
    mean KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)) (Hoffman and Johnson 2016, "ELBO surgery"). `information` is
    I(x; z) = E[log q(z|x) − log q(z)], over `samples` draws of z for each image; the crowd's density is summed over
    all n posteriors, so that only the draws are random (`error`). `distance` is what is left of the rate.
    Mind the n: they are the whole world here. z can't tell more than log n nats about which of them it was, so with
    few images or narrow posteriors the information is too small for images at large, and the distance too large.
    Raises TypeError or ValueError that names the argument.
    """
    require_arguments(vae, images, "l1", 1.0, batch_size, seed)
    require.whole_number("samples", samples)
    if len(images) < 2:
        raise ValueError("images must be at least 2, or there is nothing to tell apart, got 1")
    batches = [vae.encode(images[rows]) for rows in batches_of(len(images), batch_size)]
    q = Normal(*(torch.cat([getattr(some, name) for some in batches]).double() for name in ("mean", "stddev")))
    precision = q.variance.reciprocal()  # (n, D)
    constant = 0.5 * (q.mean.square() * precision).sum(dim=1) + q.stddev.log().sum(dim=1)  # (n,)
    generator = torch.Generator().manual_seed(seed)
    told = []
    for _ in range(samples):
        z = q.mean + q.stddev * noise_for(len(images), q, generator)  # (n, D)
        for rows in batches_of(len(images), batch_size):
            some = z[rows]
            # log q(z_i|x_j) for all pairs at once, without the (2π)^(D/2) that all share
            log_q = some @ (q.mean * precision).T - 0.5 * some.square() @ precision.T - constant  # (B, n)
            own = log_q[:, rows].diagonal()  # (B,)
            told.append(own - torch.logsumexp(log_q, dim=1) + math.log(len(images)))
    told = torch.cat(told)
    rate, information = kl_to_standard_normal(q).sum(dim=1).mean().item(), told.mean().item()
    return RateParts(rate, information, rate - information, told.std().item() / math.sqrt(len(told)))
