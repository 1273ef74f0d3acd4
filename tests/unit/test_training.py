"""`fit`: it learns, can be repeated, can be interrupted, and reports what it saw."""

import subprocess
import sys
import threading

import pytest
import torch
from torch import nn

from vaelib import VAE, Autoencoder, MultiRateVAE, fit, fit_all, training, vae_loss
from vaelib.adam import OneCycleAdam
from vaelib.history import History
from vaelib.losses import reconstruction_error

SHAPE = (1, 4, 4)
ALL = pytest.mark.parametrize("kind", [Autoencoder, VAE, MultiRateVAE])


def build(kind, latents=2):
    return kind(SHAPE, latent_dim=latents, hidden=(16,))


def images(n=40, dtype=torch.float32):
    """Images with one degree of freedom, so that there is something to learn."""
    t = torch.rand(n, 1, 1, 1, generator=torch.Generator().manual_seed(0), dtype=dtype)
    ramp = torch.linspace(0, 1, 16, dtype=dtype).reshape(1, *SHAPE)
    return (t * ramp + (1 - t) * (1 - ramp)).clamp(0, 1)


def train(kind, *, n=40, dtype=torch.float32, model=None, **options):
    model = model or build(kind).to(dtype)
    options = {"epochs": 3, "batch_size": 16, "progress": False} | options
    return model, fit(model, images(n, dtype), **options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
@pytest.mark.parametrize("reconstruction", ["l1", "mse", "bce"])
def test_training_lowers_the_loss(kind, reconstruction):
    _, history = train(kind, epochs=40, learning_rate=1e-2, beta=0.01, reconstruction=reconstruction)
    least = 1.1 if reconstruction == "bce" else 2  # the bce of grey pixels does not reach 0
    assert history.loss[0] > least * history.loss[-1]


@ALL
def test_a_run_can_be_repeated(kind):
    (first, a), (second, b) = train(kind), train(kind)
    assert torch.equal(weights(first), weights(second))
    assert a == b


@ALL
def test_another_seed_is_another_run(kind):
    assert not torch.equal(weights(train(kind)[0]), weights(train(kind, seed=1)[0]))


def test_training_neither_changes_nor_needs_the_global_generator():
    before = torch.random.get_rng_state()
    first, _ = train(VAE)
    assert torch.equal(before, torch.random.get_rng_state())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        second, _ = train(VAE)
    assert torch.equal(weights(first), weights(second))


@ALL
def test_training_leaves_no_gradients_behind(kind):
    stopped, _ = train(kind, callback=interrupt_after(1))
    assert all(parameter.grad is None for model in (train(kind)[0], stopped) for parameter in model.parameters())


def test_training_leaves_the_images_alone():
    x, copy = images(), images()
    fit(build(VAE), x, epochs=1, progress=False)
    assert torch.equal(x, copy) and not x.requires_grad


def test_callback_sees_every_epoch():
    seen = []
    train(VAE, callback=lambda epoch, history: seen.append((epoch, len(history.loss))))
    assert seen == [(1, 1), (2, 2), (3, 3)]


def interrupt_after(last):
    def callback(epoch, history):
        if epoch == last:
            raise KeyboardInterrupt

    return callback


@ALL
def test_an_interrupt_leaves_history_and_model(kind):
    model, history = train(kind, epochs=9, callback=interrupt_after(2))
    assert history.interrupted
    assert len(history.loss) == len(history.reconstruction) == len(history.kl) == len(history.kl_per_latent) == 2
    again = fit(model, images(), epochs=1, progress=False)
    assert not again.interrupted and again.loss[0] == pytest.approx(history.loss[-1], rel=0.5)


def test_an_interrupt_in_the_middle_of_an_epoch_leaves_the_epochs_before():
    model, calls = build(VAE), []
    decode = model.decode

    def stop_at_the_sixth_batch(z):
        calls.append(len(z))
        if calls.count(16) == 3:  # 40 images are batches of 16, 16 and 8
            raise KeyboardInterrupt
        return decode(z)

    model.decode = stop_at_the_sixth_batch
    _, history = train(VAE, model=model)
    assert history.interrupted and len(history.loss) == 1


def test_a_failing_callback_is_not_hidden():
    def callback(epoch, history):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(VAE, callback=callback)


@pytest.mark.parametrize("beta", [0.0, 0.5, 4.0])
def test_the_parts_of_the_history_add_up(beta):
    _, history = train(VAE, beta=beta)
    assert not history.interrupted and history.beta == beta
    assert len(history.loss) == len(history.reconstruction) == len(history.kl) == len(history.kl_per_latent) == 3
    for loss, error, kl, each in zip(
        history.loss, history.reconstruction, history.kl, history.kl_per_latent, strict=True
    ):
        assert loss == pytest.approx(error + beta * kl, rel=1e-5)
        assert len(each) == 2 and kl == pytest.approx(sum(each), rel=1e-5)
        assert kl > 0, "the kl is reported even where beta leaves it out"


def test_the_uae_minimises_the_reconstruction_term_alone():
    _, history = train(Autoencoder)
    assert history.loss == history.reconstruction
    assert history.kl == [0, 0, 0] and history.kl_per_latent == [(), (), ()]


@pytest.mark.parametrize("n", [33, 40, 7])
def test_the_history_is_the_mean_over_images_though_the_last_batch_is_smaller(n):
    """With a rate too small to change the model, the epoch's mean is that of the whole set."""
    model, history = train(Autoencoder, n=n, epochs=1, learning_rate=1e-12)
    with torch.no_grad():
        x = images(n)
        expected = reconstruction_error(x, model.decode(model.encode(x))).mean().item()
    assert history.loss[0] == pytest.approx(expected, rel=1e-5)


def test_the_history_of_the_vae_is_the_kl_of_the_whole_set():
    model, history = train(VAE, n=33, epochs=1, learning_rate=1e-12)
    q = model.encode(images(33))
    expected = vae_loss(images(33), images(33), q).kl_per_latent.tolist()
    assert history.kl_per_latent[0] == pytest.approx(expected, rel=1e-4)


def test_every_image_is_seen_once_in_every_epoch():
    seen, model = [], build(Autoencoder)
    encode = model.encode

    def watch(x):
        seen.append(x)
        return encode(x)

    model.encode = watch
    train(Autoencoder, model=model, epochs=2)
    batches = [x for x in seen if len(x) > 2]  # the first look at two images is no training
    assert [len(x) for x in batches] == [16, 16, 8] * 2
    first, second = torch.cat(batches[:3]).flatten(1), torch.cat(batches[3:]).flatten(1)
    assert not torch.equal(first, second), "the images come in the same order again"
    for epoch in (first, second):
        assert torch.equal(epoch[:, 0].sort().values, images().flatten(1)[:, 0].sort().values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_training_works_in_the_models_dtype(dtype):
    model, history = train(VAE, dtype=dtype)
    assert next(model.parameters()).dtype == dtype and history.loss[-1] > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_history_of_a_training_in_half_precision_holds_sums_beyond_it(dtype):
    n = 40_000  # images, whose sum of errors no float16 can hold
    options = {"n": n, "epochs": 1, "batch_size": 1000, "learning_rate": 1e-6}
    (_, in_half), (_, in_full) = train(VAE, dtype=dtype, **options), train(VAE, **options)
    assert n * in_full.loss[0] > torch.finfo(torch.float16).max
    assert in_half.loss[0] == pytest.approx(in_full.loss[0], rel=0.01)


def test_images_of_another_dtype_than_the_model_are_refused():
    with pytest.raises(TypeError, match=r"images.*float32.*float64"):
        fit(build(VAE), images(dtype=torch.float64), progress=False)


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
@pytest.mark.parametrize("reconstruction", ["l1", "mse", "bce"])
def test_divergence_is_reported(kind, reconstruction):
    with pytest.raises(FloatingPointError, match="smaller learning_rate"):
        train(kind, epochs=20, learning_rate=1e30, reconstruction=reconstruction)


def test_the_bar_can_be_shown(capsys):
    train(VAE, epochs=1, progress=True)
    assert "reconstruction" in capsys.readouterr().err


def test_beta_0_shrinks_sigma_and_beta_1_does_not():
    def mean_sigma(beta):
        model, _ = train(VAE, epochs=150, learning_rate=1e-2, beta=beta)
        with torch.no_grad():
            return model.encode(images()).stddev.mean().item()

    assert mean_sigma(0.0) < 0.05, "without the KL term σ goes to 0"
    assert mean_sigma(1.0) > 0.3, "the KL term keeps σ near 1"


def test_a_larger_beta_brings_the_posterior_nearer_to_the_prior():
    kl = [train(VAE, epochs=60, learning_rate=1e-2, beta=beta)[1].kl[-1] for beta in (0.01, 1.0, 30.0)]
    assert kl[0] > kl[1] > kl[2], "β is dropped, or its sign is turned"
    assert kl[2] < 0.05


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 6])
def test_the_shortest_runs_train_too(epochs):
    history = fit(build(VAE), images()[:8], epochs=epochs, batch_size=8, progress=False)
    assert len(history.loss) == epochs


def test_a_loss_that_overflows_is_reported():
    with pytest.raises(FloatingPointError, match="learning_rate"):
        fit(build(VAE), images()[:8], epochs=2, batch_size=4, learning_rate=1e30, progress=False)
    with pytest.raises(ValueError, match="scale be larger"):  # before the first step
        fit(build(VAE), images()[:8], epochs=1, reconstruction="mse", scale=1e-25, progress=False)


def test_pixels_out_of_range_are_not_blamed_on_the_learning_rate():
    x = images()
    x[-1, 0, 0, 0] = 255.0
    with pytest.raises(ValueError, match="images must lie in"):
        fit(build(VAE), x, epochs=1, reconstruction="bce", progress=False)


# ---- one network for every β


def test_a_multirate_vae_learns_all_betas_at_once():
    model = MultiRateVAE(SHAPE, latent_dim=2, hidden=(16,))
    _, history = train(MultiRateVAE, model=model, n=200, epochs=60, learning_rate=1e-2)
    assert history.beta is None and history.loss[-1] < history.loss[0]
    found = [
        vae_loss(images(), vae.decode(q.mean), q)
        for vae in map(model.at, (0, 0.1, 100))
        for q in [vae.encode(images())]
    ]
    assert found[0].kl > found[1].kl > 10 * found[2].kl, "the rate does not fall as β grows"
    assert found[0].reconstruction < 0.8 * found[2].reconstruction


def test_without_a_beta_it_is_1():
    assert train(VAE)[1] == train(VAE, beta=1.0)[1] != train(VAE, beta=0.5)[1]
    assert train(VAE)[1].beta == 1.0


def test_a_multirate_vae_takes_no_beta():
    with pytest.raises(ValueError, match="beta must not be given: model is a MultiRateVAE"):
        train(MultiRateVAE, beta=1.0)


def test_a_multirate_loss_is_weighed_by_beta(monkeypatch):
    """With every β the same, the loss is vae_loss over (β + 0.1)^¼, and its parts are those of vae_loss."""
    model = build(MultiRateVAE)
    monkeypatch.setattr(model, "draw_betas", lambda n, generator: torch.full((n,), 3.0))
    options = {"epochs": 1, "batch_size": 40, "learning_rate": 1e-12}
    _, history = train(MultiRateVAE, model=model, **options)
    _, plain = train(VAE, model=model.at(3.0), beta=3.0, **options)
    assert history.loss == pytest.approx([value / 3.1**0.25 for value in plain.loss], rel=1e-4)
    assert history.reconstruction == pytest.approx(plain.reconstruction, rel=1e-4)
    assert history.kl_per_latent[0] == pytest.approx(plain.kl_per_latent[0], rel=1e-3, abs=1e-5)


def test_a_history_says_in_a_line_how_the_loss_fell():
    history = History(1.0, [203.17, 22.04], [190.0, 20.0], [13.0, 2.0], [(13.0,), (2.0,)])
    assert repr(history) == "2 epochs: loss about 203.2 nats in the first, about 22.0 in the last"
    assert repr(History(1.0)) == "no whole epoch"


@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_the_optimiser_does_what_torchs_adam_and_one_cycle_rate_do(steps):
    def network():
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Linear(2, 2))  # the last is never used
        layers[0].bias.requires_grad_(False)
        return layers

    ours, theirs = network(), network()
    own = OneCycleAdam(ours, 0.05, steps)
    usual = torch.optim.Adam(theirs.parameters(), lr=0.05, betas=(0.9, 0.99), fused=True)
    total = steps + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        usual, max_lr=0.05, total_steps=total, pct_start=max(0.2, 2 / total), cycle_momentum=False
    )
    for step in range(steps):
        assert own.rate() == pytest.approx(usual.param_groups[0]["lr"], rel=1e-9), step
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        for optimizer, model in ((own, ours), (usual, theirs)):
            optimizer.zero_grad()
            model[:3](x).square().sum().backward()
            optimizer.step()
        schedule.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_a_training_does_not_load_torchs_compiler():
    code = """
import sys
from vaelib import VAE, digits, fit
fit(VAE((1, 28, 28), 2), digits("test").images, epochs=1, progress=False)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- several at once


@pytest.fixture(params=[1, 2])
def threads(request):
    """As many as torch may use: with one, the trainings follow each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_several_at_once_come_out_as_one_after_the_other(threads):
    models = [build(VAE), build(VAE), build(Autoencoder), build(MultiRateVAE), build(VAE)]
    betas = [0.0, 3.0, None, None, None]
    histories = fit_all(models, images(), epochs=3, batch_size=16, beta=betas, progress=False)
    assert torch.get_num_threads() == threads
    for model, beta, history in zip(models, betas, histories, strict=True):
        alone, its_history = train(type(model), beta=beta)
        torch.testing.assert_close(weights(model), weights(alone))
        assert history.loss == pytest.approx(its_history.loss) and history.beta == its_history.beta


def test_one_beta_is_for_all():
    first, second = fit_all([build(VAE), build(VAE)], images(), epochs=1, beta=2.0, progress=False)
    assert first == second and first.beta == 2


def test_as_many_at_once_as_there_are_threads(threads, monkeypatch):
    running, most, step = set(), [], OneCycleAdam.step

    def noted(optimizer):
        running.add(threading.get_ident())
        most.append((len(running), torch.get_num_threads()))
        step(optimizer)

    monkeypatch.setattr(OneCycleAdam, "step", noted)
    fit_all([build(VAE) for _ in range(4)], images(), epochs=40, progress=False)
    assert max(most) == (threads, 1)


def test_the_bar_of_several_counts_the_steps_of_all(threads, capsys):
    fit_all([build(VAE), build(Autoencoder)], images(), epochs=3, batch_size=16)
    assert "18/18" in capsys.readouterr().err


def test_an_interrupt_stops_all_of_them(threads, monkeypatch):
    begun = threading.Event()

    def interrupted(waiting, **options):  # what the stop button does to the thread that waits
        begun.wait(10)
        raise KeyboardInterrupt

    step = OneCycleAdam.step
    monkeypatch.setattr(OneCycleAdam, "step", lambda optimizer: (step(optimizer), begun.set()))
    monkeypatch.setattr(training, "wait", interrupted)
    models = [build(VAE), build(Autoencoder), build(VAE)]
    histories = fit_all(models, images(), epochs=5_000, progress=False)
    assert all(history.interrupted for history in histories)
    assert all(model.training for model in models) and all(weights(model).isfinite().all() for model in models)


def test_what_one_of_them_raises_is_raised_and_stops_the_others(threads):
    broken, calls = build(VAE), []
    decode = broken.decode

    def breaks(z):
        calls.append(z)
        return decode(z) / 0 * 0 if len(calls) == 4 else decode(z)

    broken.decode = breaks
    with pytest.raises(FloatingPointError, match="in epoch") as raised:
        fit_all([broken, build(VAE)], images(), epochs=5_000, progress=False)
    assert raised.value.__notes__ == ["This happened in the training of models[0]."]
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("models", "options", "error", "match"),
    [
        ([], {}, TypeError, "models must be a list of at least one"),
        (build(VAE), {}, TypeError, "models must be a list"),
        ([build(VAE), 3], {}, TypeError, r"models\[1\] must be"),
        ([build(VAE)] * 2, {}, ValueError, "models must be different"),
        ([build(VAE), build(VAE)], {"beta": [1.0]}, ValueError, "beta must be one number, or one for each of the 2"),
        ([build(VAE), build(MultiRateVAE)], {"beta": 1.0}, ValueError, r"beta must not be given: models\[1\] is a"),
        ([build(VAE), build(VAE)], {"beta": [1.0, -1.0]}, ValueError, "beta must be a finite number"),
        ([build(VAE), build(VAE)], {"epochs": 0}, ValueError, "epochs must be at least 1"),
        ([build(VAE), build(VAE)], {"progress": 1}, TypeError, "progress must be True or False"),
        ([build(VAE), build(VAE)], {"fresh": 1}, TypeError, "fresh must be True or False"),
    ],
)
def test_several_with_a_fault_are_left_as_they_were(models, options, error, match):
    whole = [model for model in (models if isinstance(models, list) else []) if not isinstance(model, int)]
    before = [weights(model) for model in whole]
    with pytest.raises(error, match=match):
        fit_all(models, images(), **({"epochs": 2} | options))
    assert all(torch.equal(a, weights(model)) for a, model in zip(before, whole, strict=True))
