"""The speed of vaelib, in tables: `python -m tools.bench`, about 20 minutes on 2 cores (--quick: about 3).

Training is timed to a test loss, not per epoch: first the usual training loop sets the loss to reach, then
`vaelib.fit` must end at that loss or lower. All train the same network (784-400-20 and back) on the same
60,000 digits: the bundled training digits under small random rotations, zooms and shifts. 10,000 test digits
are made alike from the bundled test digits. The rivals take turns, round by round, so that a noisy machine is
noisy for all.
"""

import argparse
import contextlib
import io
import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest import mock

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from tools.latency import load, print_latency, quiet_or_noisy
from vaelib import VAE, digits, faces, fit
from vaelib.adam import OneCycleAdam

USUAL = {"epochs": 10, "batch_size": 128, "learning_rate": 1e-3}  # as in pytorch/examples
# Tried on varied digits made from the same 1,000 test originals, other seeds: no independent choice.
FIT = {"epochs": 4, "batch_size": 128, "learning_rate": 8e-3}
PYTHAE = "pythae==0.1.2"
USUAL_LOOP, FIT_LOOP, PYTHAE_LOOP = "the usual loop", "vaelib.fit", "pythae's trainer"


# The digits


def varied(images, n, seed):
    """Images (m, 1, 28, 28) in [0, 1] -> n of them, a bit turned, zoomed and shifted: (n, 28, 28) uint8."""
    turn, zoom, right, down = torch.rand(4, n, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    cos, sin = torch.cos(turn * math.radians(12)), torch.sin(turn * math.radians(12))
    zoom, right, down = 1 + 0.1 * zoom, 0.1 * right, 0.1 * down  # shifts in half widths: up to 1.4 pixels
    affine = torch.stack([zoom * cos, -zoom * sin, right, zoom * sin, zoom * cos, down], dim=1).view(n, 2, 3)
    grid = F.affine_grid(affine, [n, 1, 28, 28], align_corners=False)
    images = images[torch.arange(n) % len(images)]
    return F.grid_sample(images, grid, align_corners=False)[:, 0].mul(255).round().byte()


def write_idx(path, values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + values.numpy().tobytes())


def make_digits(root, n_train, n_test):
    """Write MNIST's four files into `root`, where torchvision's own MNIST class reads them."""
    folder = Path(root, "MNIST", "raw")
    folder.mkdir(parents=True)
    for seed, (name, split, n) in enumerate([("train", "train", n_train), ("t10k", "test", n_test)]):
        images, labels = digits(split)
        write_idx(folder / f"{name}-images-idx3-ubyte", varied(images, n, seed))
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels.byte()[torch.arange(n) % len(labels)])


def as_tensor(dataset):
    return dataset.data[:, None].float() / 255  # (n, 1, 28, 28)


# The rivals: each trains a model and returns it, with .encode(x) -> Normal and .decode(z) -> images


class UsualVAE(nn.Module):
    """The network of pytorch/examples, 784-400-20 and back, with vaelib's SiLU where that has ReLU."""

    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.log_var = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.SiLU(), nn.Linear(400, 784), nn.Sigmoid())

    def mean_and_log_var(self, x):
        h = F.silu(self.hidden(x.flatten(1)))
        return self.mean(h), self.log_var(h)

    def encode(self, x):
        mean, log_var = self.mean_and_log_var(x)
        return Normal(mean, (0.5 * log_var).exp())

    def decode(self, z):
        return self.decoder(z).view(-1, 1, 28, 28)


def usual_loop(root, seed, epochs):
    torch.manual_seed(seed)
    model = UsualVAE()
    loader = DataLoader(MNIST(root, transform=ToTensor()), batch_size=USUAL["batch_size"], shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=USUAL["learning_rate"])
    for _ in range(epochs):
        for x, _ in loader:
            mean, log_var = model.mean_and_log_var(x)
            z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
            bce = F.binary_cross_entropy(model.decode(z), x, reduction="sum")
            kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum()
            optimizer.zero_grad()
            ((bce + kl) / len(x)).backward()
            optimizer.step()
    return model


def vaelib_fit(root, seed, epochs):
    model = VAE(image_shape=(1, 28, 28), latent_dim=20, hidden=(400,), seed=seed)
    fit(
        model,
        as_tensor(MNIST(root)),
        reconstruction="bce",
        seed=seed,
        progress=False,
        **FIT | {"epochs": epochs},
    )
    return model


def install_pythae(folder):
    """Into a folder of its own: pythae requires a package that would hide the standard `dataclasses`."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    subprocess.run([*pip, "--no-deps", PYTHAE, "imageio"], check=True, capture_output=True)
    subprocess.run([*pip, "pydantic", "cloudpickle"], check=True, capture_output=True)
    sys.path.append(str(folder))  # at the end: what is installed already comes first


def pythae_trainer(root, seed, epochs):
    """Pythae's own VAE and trainer, around the layers of UsualVAE."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            mean, log_var = self.net.mean_and_log_var(x)
            return ModelOutput(embedding=mean, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, z):
            return ModelOutput(reconstruction=self.net.decode(z))

    torch.manual_seed(seed)
    net = UsualVAE()
    model = PythaeVAE(VAEConfig((1, 28, 28), latent_dim=20, reconstruction_loss="bce"), Encoder(), Decoder())
    settings = BaseTrainerConfig(
        output_dir=str(Path(root, "pythae")),
        num_epochs=epochs,
        per_device_train_batch_size=USUAL["batch_size"],
        learning_rate=USUAL["learning_rate"],
        seed=seed,
    )
    dataset = MNIST(root)
    logging.disable(logging.INFO)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bars
        BaseTrainer(model, BaseDataset(as_tensor(dataset), dataset.targets), training_config=settings).train()
    return net


# The measurements


def seconds(action, *arguments):
    start = time.perf_counter()
    result = action(*arguments)
    return time.perf_counter() - start, result


@torch.no_grad()
def test_loss(model, images):
    """BCE + KL in nats per image, with one sampled z for each image."""
    q = model.encode(images)
    z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=torch.Generator().manual_seed(0))
    bce = F.binary_cross_entropy(model.decode(z), images, reduction="sum")
    kl = torch.distributions.kl_divergence(q, Normal(0.0, 1.0)).sum()
    return (bce + kl).item() / len(images)


def matmul_peak():
    """The best that torch.matmul does here in float32, in operations a second."""

    def speed(size):
        a, b = torch.rand(2, size, size)
        return 2 * size**3 / seconds(torch.matmul, a, b)[0]

    return max(speed(size) for size in (512, 1024, 2048) for _ in range(6))


def operations_per_image(model):
    """Multiplications and additions that the linear layers need to learn from one image.

    Going back, each product of the way forth is needed twice, for the gradients of the weights and of the
    inputs; but nothing needs the gradient of the images.
    """
    products = [layer.weight.numel() for layer in model.modules() if isinstance(layer, nn.Linear)]
    return 2 * (3 * sum(products) - products[0])


def optimiser_share(train, *arguments):
    """The part of the training time that is spent in the optimiser's steps."""
    step, spent = OneCycleAdam.step, []
    with mock.patch.object(OneCycleAdam, "step", lambda optimizer: spent.append(seconds(step, optimizer)[0])):
        total, _ = seconds(train, *arguments)
    return sum(spent) / total


def import_seconds(module):
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)


# The table


def race(rivals, root, rounds):
    """{name: (train, epochs)} -> {name: [(seconds, test loss) of each round]}."""
    test_images = as_tensor(MNIST(root, train=False))
    results = {name: [] for name in rivals}
    for seed in range(1, rounds + 1):
        for name, (train, epochs) in rivals.items():
            duration, model = seconds(train, root, seed, epochs)
            results[name].append((duration, test_loss(model, test_images)))
            print(f"  round {seed}: {name}: {duration:.1f} s", file=sys.stderr)
    return results


def print_race(rivals, results):
    print(f"{'training':<18}{'epochs':>8}{'seconds':>9}{'test loss':>11}{'times faster':>14}{'each round':>18}")
    for name, (_, epochs) in rivals.items():
        durations, losses = zip(*results[name], strict=True)
        ratios = [usual[0] / own for usual, own in zip(results[USUAL_LOOP], durations, strict=True)]
        print(
            f"{name:<18}{epochs:>8}{median(durations):>9.1f}{median(losses):>11.2f}{median(ratios):>14.2f}"
            f"{', '.join(f'{ratio:.1f}' for ratio in ratios):>18}"
        )
    reached = [own <= usual for (_, own), (_, usual) in zip(results[FIT_LOOP], results[USUAL_LOOP], strict=True)]
    print(f"rounds in which vaelib.fit reached the usual loop's test loss: {sum(reached)} of {len(reached)}")


def print_share_of_peak(result, n_images, epochs, peak):
    model = VAE(image_shape=(1, 28, 28), latent_dim=20, hidden=(400,))
    duration = median(duration for duration, _ in result)
    speed = operations_per_image(model) * n_images * epochs / duration
    print(
        f"vaelib.fit does {speed / 1e9:.0f} billion operations a second in its linear layers, "
        f"{speed / peak:.0%} of torch.matmul's best here ({peak / 1e9:.0f} billion)"
    )


def print_import_times(rounds):
    times = [(import_seconds("torch"), import_seconds("vaelib")) for _ in range(rounds + 1)]
    torch_time, vaelib_time = (median(column) for column in zip(*times[1:], strict=True))  # the first warms up
    print(
        f"import vaelib: {vaelib_time:.2f} s, which is {vaelib_time / torch_time:.2f} times "
        f"as long as import torch, {torch_time:.2f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="little data, one round: shows that it runs, no more")
    quick = parser.parse_args().quick
    rounds, n_train, n_test, n_faces = (1, 6_000, 1_000, 1_000) if quick else (3, 60_000, 10_000, 10_000)
    os.environ["VAELIB_KEPT"] = "off"  # what is timed is trained
    before = load()
    usual_epochs, fit_epochs = (2, 1) if quick else (USUAL["epochs"], FIT["epochs"])
    rivals = {USUAL_LOOP: (usual_loop, usual_epochs), FIT_LOOP: (vaelib_fit, fit_epochs)}
    with tempfile.TemporaryDirectory() as root:
        make_digits(root, n_train, n_test)
        try:
            install_pythae(Path(root, "pythae-package"))
            rivals[PYTHAE_LOOP] = (pythae_trainer, usual_epochs)
        except subprocess.CalledProcessError as error:
            print(f"{PYTHAE} could not be installed, so it is left out: {error.stderr.decode().strip()[-200:]}")
        results = race(rivals, root, rounds)
        optimiser = median(optimiser_share(vaelib_fit, root, seed, 1) for seed in range(rounds))
    print(
        f"{'QUICK, NO MEASUREMENT: ' if quick else ''}{n_train:,} digits, {n_test:,} to test; "
        f"medians of {rounds}; {torch.get_num_threads()} threads; torch {torch.__version__}\n"
        f"{USUAL_LOOP}: DataLoader over torchvision's MNIST with ToTensor, Adam, {USUAL}\n"
        f"{FIT_LOOP}: one-cycle rate, {FIT}\n"
    )
    print_race(rivals, results)
    print(f"share of vaelib.fit's time in the optimiser's steps: {optimiser:.0%}")
    print_share_of_peak(results[FIT_LOOP], n_train, fit_epochs, matmul_peak())
    print(f"{n_faces:,} faces drawn: {median(seconds(faces, n_faces)[0] for _ in range(3)):.2f} s")
    print_import_times(rounds)
    print(f"{quiet_or_noisy(before)}\n")
    print_latency(*(10, 1) if quick else (100, 3))


if __name__ == "__main__":
    main()
