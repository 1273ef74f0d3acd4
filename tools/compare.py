"""Is one network for every β as good as one for each? `make compare` finds out; it takes hours.

For each of seven β a VAE with the layers of the MultiRateVAE is trained on the same images, from three seeds, for each
of some numbers of epochs; the number with the lowest median loss is its plateau. Compared is J = distortion + β · rate
on the test set, z sampled four times for each image. The results go to compare.json, which test_trained.py reads.
The one network trains for as long as vaelib.trained.RUNS says, digits 50 epochs, faces 720: the VAEs of digits have
their fill, those of faces a third fewer epochs than it. vaelib/data/trained/README.md says so.
"""

import json
import os
import statistics
import time
from pathlib import Path

import torch

from vaelib import VAE, fit
from vaelib.measures import evaluate
from vaelib.trained import RUNS, data_of, train

BETAS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
SEEDS = (0, 1, 2)
EPOCHS = {"digits": (30, 80, 160), "faces": (480,)}  # the faces' losses still fall a little, the digits' rise again
RESULTS = Path(__file__).with_suffix(".json")


def objective(vae, name: str, beta: float) -> float:
    """J of the test set, the mean over four samples of each z."""
    images, options = data_of(name, "test").images, {"reconstruction": RUNS[name][3].get("reconstruction", "l1")}
    found = [evaluate(vae, images, seed=seed, **options) for seed in range(4)]
    return statistics.fmean(e.distortion + beta * e.rate for e in found)


def separate(name: str, beta: float, epochs: int, seed: int) -> tuple[float, float]:
    """J of a VAE trained at this β alone, and the seconds that took."""
    _, _, latents, settings = RUNS[name]
    images = data_of(name, "train").images
    vae = VAE(tuple(images.shape[1:]), latents, mean_image=images.mean(dim=0), seed=seed)
    start = time.process_time()
    fit(vae, images, beta=beta, progress=False, **settings | {"epochs": epochs, "seed": seed})
    return objective(vae, name, beta), time.process_time() - start


def together(name: str, seed: int) -> tuple[dict[float, float], float]:
    """J at each β of one MultiRateVAE, and the seconds that its training took."""
    start = time.process_time()
    model = train(name, seed=seed, progress=False)
    seconds = time.process_time() - start
    return {beta: objective(model.at(beta), name, beta) for beta in BETAS}, seconds


def summary(runs: dict) -> dict:
    """The medians over seeds: {name: {"separate": {β: J}, "together": {β: J}, "time": share of the seven's}}."""
    found = {}
    for name, of in runs.items():
        alone, seconds = {}, 0.0
        for beta in BETAS:
            medians = {}
            for epochs in EPOCHS[name]:
                some = [run for run in of["separate"] if (run["beta"], run["epochs"]) == (beta, epochs)]
                if some:
                    medians[statistics.median(run["J"] for run in some)] = statistics.median(r["seconds"] for r in some)
            alone[beta] = min(medians)
            seconds += medians[min(medians)]
        both = {beta: statistics.median(run["J"][str(beta)] for run in of["together"]) for beta in BETAS}
        share = statistics.median(run["seconds"] for run in of["together"]) / seconds
        found[name] = {"separate": alone, "together": both, "time": share}
    return found


def main() -> None:
    os.environ["VAELIB_KEPT"] = "off"  # what is timed is trained
    torch.set_num_threads(1)  # so that the processor's time is the time it takes
    runs = {}
    for name, all_epochs in EPOCHS.items():
        runs[name] = of = {"separate": [], "together": []}
        for seed in SEEDS:
            objectives, seconds = together(name, seed)
            of["together"].append({"seed": seed, "seconds": seconds, "J": {str(b): j for b, j in objectives.items()}})
            for beta in BETAS:
                for epochs in all_epochs:
                    j, seconds = separate(name, beta, epochs, seed)
                    of["separate"].append({"seed": seed, "beta": beta, "epochs": epochs, "seconds": seconds, "J": j})
        RESULTS.write_text(json.dumps(runs, indent=1))
    for name, found in summary(runs).items():
        print(f"{name}: one training takes {found['time']:.2f} of the time of the seven")
        for beta in BETAS:
            one, other = found["together"][beta], found["separate"][beta]
            print(f"  β = {beta:<5g} J {one:7.2f}, of a VAE of its own {other:7.2f}: {100 * (one / other - 1):+.1f} %")


if __name__ == "__main__":
    main()
