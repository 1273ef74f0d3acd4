"""A model of one's own, convolutional or otherwise unlike the course's, works, or is refused in one clear sentence."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, Laplace, Normal

from vaelib import VAE, Autoencoder, MultiRateVAE, explorers, faces, figures, fit, vae_loss
from vaelib.digits import Digits
from vaelib.landscape import loss_landscape
from vaelib.measures import codes_of, evaluate, fit_probes, holes, log_marginal, reconstruct
from vaelib.recording import Recording

QUIET = {"epochs": 1, "progress": False}


class Convolutional(nn.Module):
    """With BatchNorm and Dropout, whose modes matter, and without a word about its shape or its latents."""

    def __init__(self, channels=3, size=16, latents=4, outputs=2):
        super().__init__()
        small = size // 4
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 8, 4, stride=2, padding=1), nn.BatchNorm2d(8), nn.SiLU(),
            nn.Conv2d(8, 8, 4, stride=2, padding=1), nn.SiLU(),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * small**2, outputs * latents),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(latents, 8 * small**2), nn.Unflatten(1, (8, small, small)), nn.SiLU(),
            nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1), nn.BatchNorm2d(8), nn.SiLU(),
            nn.ConvTranspose2d(8, channels, 4, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def encode(self, x):
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return Normal(mu, torch.exp(0.5 * log_var))

    def decode(self, z):
        return self.decoder(z)


class ConvolutionalUAE(Convolutional):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options, outputs=1)

    def encode(self, x):
        return self.encoder(x)


def fresh(kind=Convolutional, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(**options)


def of_size(size, dtype=torch.float32, n=24):
    return faces(n, size=size).images.to(dtype)


def state(model):
    return copy.deepcopy(model.state_dict()), [layer.training for layer in model.modules()]


def unchanged(model, before):
    weights, modes = before
    return all(torch.equal(values, weights[name]) for name, values in model.state_dict().items()) and modes == [
        layer.training for layer in model.modules()
    ]


# ---- works


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("size", "latents"), [(16, 1), (16, 50), (64, 4)])
def test_a_convolutional_vae_goes_through_training_and_measures(size, latents, dtype):
    x, model = of_size(size, dtype), fresh(size=size, latents=latents).to(dtype)
    uae = fresh(ConvolutionalUAE, size=size, latents=latents).to(dtype)
    history = fit(model, x, **QUIET)
    fit(uae, x, **QUIET)
    assert history.loss[0] > 0 and len(history.kl_per_latent[0]) == latents
    found = evaluate(model, x)
    assert found.rate_per_latent.shape == (latents,) and found.elbo < 0
    assert reconstruct(model, x).shape == x.shape and reconstruct(model, x).dtype == dtype
    assert codes_of(uae, x).shape == (len(x), latents)
    assert log_marginal(model, x[:3], samples=2) is not None
    distances = holes(uae, x, x, vae=model, n=21)
    assert len(distances) == 5 and all(values.isfinite().all() for values in distances.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_figures_and_recordings_take_a_convolutional_vae_that_does_not_name_its_latents(dtype):
    x, model = of_size(16, dtype), fresh(latents=2).to(dtype)
    before, labels = state(model), torch.arange(24) % 3
    probes = fit_probes(codes_of(model, x), torch.rand(24, 2, dtype=dtype), ["a", "b"])
    line = torch.linspace(-1, 1, 3, dtype=dtype)
    figures.figure_vae(model, probes, x[:1])
    figures.latent_scatter(model, x, labels)
    figures.latent_maps({"own": (model, line, line)}, alt="decoded plane")
    figures.reconstructions({"own": model}, x[:4])
    assert explorers.watch_training(vae=_seen(Recording(model, x, labels))).epoch == 0
    assert unchanged(model, before)


def _seen(recording):
    recording(1, None)
    return recording


@pytest.mark.parametrize("explore", [explorers.explore_latents, explorers.compare_codes])
def test_explorers_of_faces_take_float64(explore):
    some = faces(30, size=16)
    some = some._replace(images=some.images.double(), factors=some.factors.double())
    assert explore(Autoencoder((3, 16, 16), 4, (8,)).double(), VAE((3, 16, 16), 4, (8,)).double(), some, some)


def test_explorers_of_digits_and_of_beta_take_float64():
    images = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(0)).double()
    some = Digits(images, torch.arange(30) % 10)
    uae, vae = Autoencoder((1, 28, 28), 2, (8,)).double(), VAE((1, 28, 28), 2, (8,)).double()
    assert explorers.explore_map(uae, vae, some) and explorers.draw_a_digit(vae, some)
    assert explorers.explore_beta(MultiRateVAE((1, 28, 28), 2, (8,)).double(), images[:8])


@pytest.mark.parametrize("beta", [np.float32(2), np.float64(2), np.int64(2), torch.tensor(2.0), torch.tensor(2), 2])
def test_numbers_of_numpy_and_of_torch_are_numbers(beta):
    x, vae = of_size(16), VAE((3, np.int64(16), 16), np.int64(4), (np.int32(8),))
    assert fit(vae, x, beta=beta, scale=np.float32(1), learning_rate=np.float64(1e-3), **QUIET).beta == 2
    q = vae.encode(x)
    x_hat = vae.decode(q.mean)
    assert torch.equal(vae_loss(x, x_hat, q, beta=beta).total, vae_loss(x, x_hat, q, beta=2.0).total)
    assert MultiRateVAE((3, 16, 16), 4, (8,)).encode(x, beta).mean.shape == (24, 4)
    assert type(vae.latent_dim) is int


def test_a_model_with_settings_of_numpy_can_be_saved(tmp_path):
    vae = VAE((3, 16, 16), np.int64(4), (8,))
    vae.save(tmp_path / "vae.safetensors")
    assert VAE.load(tmp_path / "vae.safetensors").latent_dim == 4


# ---- modes


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "measure",
    [
        lambda model, x: evaluate(model, x),
        lambda model, x: reconstruct(model, x),
        lambda model, x: codes_of(model, x),
        lambda model, x: log_marginal(model, x, samples=2),
        lambda model, x: holes(model, x, x, vae=model, n=21),
        lambda model, x: figures.walks_of_latents(model, x[:1], x),
        lambda model, x: fit(model, x, beta=-1.0, **QUIET),
    ],
    ids=["evaluate", "reconstruct", "codes_of", "log_marginal", "holes", "walks_of_latents", "a refused fit"],
)
def test_measuring_changes_neither_the_model_nor_its_modes(measure, training):
    x, model = of_size(16), fresh().train(training)
    model.decoder[4].train(not training)  # a layer with a mode of its own
    before = state(model)
    try:
        measure(model, x)
    except ValueError as error:
        assert "beta" in str(error)
    assert unchanged(model, before)


def test_what_is_measured_depends_on_no_neighbour_and_on_no_chance():
    x, model = of_size(16), fresh()
    fit(model, x, **QUIET)
    one, other = evaluate(model, x, batch_size=24), evaluate(model, x, batch_size=7)
    assert abs(one.elbo - other.elbo) < 1e-3 and abs(one.elbo - evaluate(model, x).elbo) == 0
    assert torch.allclose(reconstruct(model, x)[:3], reconstruct(model, x[:3]), atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_fit_trains_in_train_mode_and_gives_the_mode_back(training):
    x, model, seen = of_size(16), fresh().train(training), []
    model.decoder[4].train(not training)
    before = [layer.training for layer in model.modules()]
    mean = model.encoder[1].running_mean.clone()

    def callback(epoch, history):
        evaluate(model, x)
        seen.append(all(layer.training for layer in model.modules()))

    fit(model, x, callback=callback, **QUIET)
    assert seen == [True] and [layer.training for layer in model.modules()] == before
    assert not torch.equal(model.encoder[1].running_mean, mean)


def test_the_mode_is_given_back_after_an_error():
    model = fresh()
    model.decode = lambda z: 1 / 0
    with pytest.raises(ZeroDivisionError):
        reconstruct(model, of_size(16))
    assert model.training


# ---- one clear sentence


class Returning(Convolutional):
    """Its encode returns something else."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def encode(self, x):
        return self.make(*self.encoder(x).chunk(2, dim=1))


class Plain:
    """No nn.Module: it can be measured, but not trained."""

    def __init__(self):
        vae = VAE((3, 16, 16), 4, (8,))
        self.encode, self.decode = vae.encode, vae.decode


x16 = of_size(16)
RETURNED = {
    "a pair": (lambda mu, log_var: (mu, log_var), r" a tuple: of μ and log σ² make Normal\("),
    "a list": (lambda mu, log_var: [mu, log_var], r"encode must return .* a list: of μ and log σ²"),
    "Independent": (lambda mu, s: Independent(Normal(mu, s.exp()), 1), "an Independent: give the Normal itself"),
    "Laplace": (lambda mu, s: Laplace(mu, s.exp()), "a Laplace: the KL is known for a Normal alone"),
    "three": (lambda mu, log_var: (mu, log_var, mu), "it returns a tuple$"),
    "None": (lambda mu, log_var: None, "it returns a NoneType$"),
    "of one image": (lambda mu, s: Normal(mu[0], s[0].exp()), r"here \(\d+, D\), it returns \(4,\)"),
    "flattened": (lambda mu, s: mu.flatten(), r"codes \(B, D\), here \(\d+, D\)"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), RETURNED.values(), ids=RETURNED)
@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda model: fit(model, x16, **QUIET), "model"),
        (lambda model: evaluate(model, x16), "vae"),
        (lambda model: log_marginal(model, x16), "vae"),
        (lambda model: reconstruct(model, x16), "model"),
        (lambda model: codes_of(model, x16), "model"),
        (lambda model: figures.latent_scatter(model, x16, torch.arange(24)), "model"),
        (lambda model: figures.reconstructions({"mine": model}, x16), "models['mine']"),
    ],
    ids=["fit", "evaluate", "log_marginal", "reconstruct", "codes_of", "latent_scatter", "reconstructions"],
)
def test_another_kind_of_code_is_refused_in_one_sentence(use, name, make, words):
    with pytest.raises((TypeError, ValueError), match=words) as caught:
        use(fresh(Returning, make=make))
    assert str(caught.value).startswith(f"{name}.encode must return ")


@pytest.mark.parametrize("use", [evaluate, log_marginal, reconstruct, codes_of], ids=lambda use: use.__name__)
def test_a_multi_rate_vae_is_told_to_say_its_beta(use):
    with pytest.raises(TypeError, match=r"at one β, got a MultiRateVAE: take \.at\(beta\) of it"):
        use(MultiRateVAE((3, 16, 16), 4, (8,)), x16)


def test_a_plain_object_is_measured_but_not_trained():
    assert evaluate(Plain(), x16).rate > 0
    with pytest.raises(TypeError, match=r"^model must be a torch.nn.Module to be trained, got Plain$"):
        fit(Plain(), x16, **QUIET)
    with pytest.raises(ValueError, match="model must have weights that can be trained"):
        fit(fresh().requires_grad_(False), x16, **QUIET)


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
def test_a_decoder_that_does_not_fit_is_told_before_the_training(kind, monkeypatch):
    model, decode = kind((3, 16, 16), 4, (8,)), kind.decode
    monkeypatch.setattr(model, "decode", lambda code: decode(model, code)[..., :-1])
    with pytest.raises(ValueError, match=r"^x_hat must have the shape of x, .* got .*, 15\)$"):
        fit(model, x16, **QUIET)
    monkeypatch.setattr(model, "decode", lambda code: decode(model, code) + 1)
    with pytest.raises(ValueError, match=r"^x_hat must lie in \[0, 1\]"):
        fit(model, x16, reconstruction="bce", **QUIET)


LABELS = torch.zeros(24, dtype=torch.uint8)
ENCODE = {  # and what the user calls the model and the images
    "codes_of": (lambda model, x: codes_of(model, x), "model", "images"),
    "reconstruct": (lambda model, x: reconstruct(model, x), "model", "images"),
    "holes": (lambda model, x: holes(model, x, x16, n=21), "autoencoder", "real"),
    "holes, held out": (lambda model, x: holes(model, x16, x, n=21), "autoencoder", "held_out"),
    "reconstructions": (lambda model, x: figures.reconstructions({"mine": model}, x), "models['mine']", "images"),
    "latent_planes": (lambda model, x: figures.latent_planes({"mine": model}, x, LABELS), "models['mine']", "images"),
    "walks_of_latents": (lambda model, x: figures.walks_of_latents(model, x16[:1], x), "model", "images"),
    "walks_of_latents, one": (lambda model, x: figures.walks_of_latents(model, x[:1], x16), "model", "image"),
}


@pytest.mark.parametrize(("use", "name", "images_name"), ENCODE.values(), ids=ENCODE)
def test_codes_that_are_not_finite_are_told_by_the_names_that_the_user_gave(use, name, images_name):
    with pytest.raises(ValueError) as caught:
        use(Autoencoder((3, 16, 16), 2, (8,)), 1e30 * x16)
    assert str(caught.value).startswith(f"{name}.encode must return finite codes: ")
    assert str(caught.value).endswith(f" or huge ones in {images_name}?")


OF_X = torch.rand(24, 1, generator=torch.Generator().manual_seed(0))
DECODES = {
    "reconstruct": lambda uae, vae: reconstruct(uae, x16),
    "holes": lambda uae, vae: holes(uae, x16, x16, n=21),
    "holes, of a VAE": lambda uae, vae: holes(Autoencoder((3, 16, 16), 4, (8,)), x16, x16, vae=vae, n=21),
    "figure_uae": lambda uae, vae: figures.figure_uae(uae, fit_probes(codes_of(uae, x16), OF_X, ["a"]), x16[:1]),
    "figure_vae": lambda uae, vae: figures.figure_vae(vae, fit_probes(codes_of(vae, x16), OF_X, ["a"]), x16[:1]),
    "latent_maps": lambda uae, vae: figures.latent_maps({"own": (vae, OF_X[:3, 0], OF_X[:3, 0])}, alt="a map"),
    "walks_of_latents": lambda uae, vae: figures.walks_of_latents(uae, x16[:1], x16),
    "loss_landscape": lambda uae, vae: loss_landscape(vae, x16[:1], 0, torch.linspace(-1, 1, 3), torch.ones(2)),
}


@pytest.mark.parametrize("use", DECODES)
@pytest.mark.parametrize(
    ("decoded", "words"),
    [
        (lambda images: images.flatten(1), r"must have shape \(B, C, H, W\), none of them 0, got \(\d+, 768\)$"),
        (lambda images: None, "must be a floating-point tensor, got NoneType"),
        (lambda images: images.repeat(2, 1, 1, 1), r"must return an image for each z, \d+, it returns \d+$"),
    ],
)
def test_a_decoder_that_gives_no_images_is_named_where_it_decodes(use, decoded, words, monkeypatch):
    uae, vae = Autoencoder((3, 16, 16), 2, (8,)), VAE((3, 16, 16), 2, (8,))
    for model, kind in ((uae, Autoencoder), (vae, VAE)):
        monkeypatch.setattr(model, "decode", lambda z, model=model, kind=kind: decoded(kind.decode(model, z)))
    with pytest.raises((TypeError, ValueError), match=rf"\.decode('s result)? {words}"):
        DECODES[use](uae, vae)


@pytest.mark.parametrize("model", [fresh(), VAE((3, 16, 16), 4, (8,))], ids=["own", "vaelib's"])
@pytest.mark.parametrize("use", [evaluate, reconstruct, lambda model, x: fit(model, x, **QUIET)])
def test_bytes_are_told_to_be_divided(use, model):
    with pytest.raises(TypeError, match=r"got torch\.uint8; divide bytes by 255 first"):
        use(model, (255 * x16).byte())


def test_another_dtype_is_told_what_to_change():
    with pytest.raises(TypeError, match=r"torch.float32, got torch.float64: model.double\(\)"):
        reconstruct(VAE((3, 16, 16), 4, (8,)), x16.double())


def test_a_beta_that_takes_gradients_is_refused_rather_than_cut():
    q = Normal(torch.zeros(24, 4), torch.ones(24, 4))
    with pytest.raises(TypeError, match="beta must be a number, got a tensor that takes gradients"):
        vae_loss(x16, x16, q, beta=torch.tensor(1.0, requires_grad=True))


class Subclassed(VAE):
    def decode(self, z):
        return super().decode(z) ** 2


def other_layers():
    vae = VAE((3, 16, 16), 4, (8,))
    vae.trunk.append(nn.ReLU())
    return vae


some16 = faces(30, size=16)
uae16, vae16 = Autoencoder((3, 16, 16), 4, (8,)), VAE((3, 16, 16), 4, (8,))


@pytest.mark.parametrize(
    ("explore", "name"),
    [
        (lambda own: explorers.compare_codes(uae16, own, some16, some16), "vae"),
        (lambda own: explorers.compare_codes(own, vae16, some16, some16), "autoencoder"),
        (lambda own: explorers.explore_latents(uae16, own, some16, some16), "vae"),
        (lambda own: explorers.explore_map(vae=own), "vae"),
        (lambda own: explorers.explore_loss(own, some16.images), "vae"),
        (lambda own: explorers.draw_a_digit(own), "vae"),
        (lambda own: explorers.explore_beta(own), "multirate"),
    ],
)
@pytest.mark.parametrize("own", [fresh(), fresh(latents=2)])
def test_explorers_that_cannot_take_a_model_say_what_can(explore, name, own):
    with pytest.raises(TypeError, match=rf"^{name} must be vaelib's own .*got Convolutional: .*dense layers alone; .*"
                       "watch_training take any model"):  # fmt: skip
        explore(own)


@pytest.mark.parametrize("own", [Subclassed((3, 16, 16), 4, (8,)), other_layers()], ids=["subclass", "another layer"])
@pytest.mark.parametrize(
    "explore",
    [
        lambda own: explorers.compare_codes(uae16, own, some16, some16),
        lambda own: explorers.explore_loss(own, some16.images),
    ],
)
def test_a_vae_that_was_changed_is_not_shown_as_if_it_was_not(explore, own):
    with pytest.raises(TypeError, match="layers of its own: this explorer decodes in the browser"):
        explore(own)
