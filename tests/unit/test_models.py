"""The two autoencoders: what they share, what they refuse, how they are kept in files."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vaelib import VAE, Autoencoder, MultiRateVAE, vae_loss
from vaelib.models import sample
from vaelib.multirate import beta_at, scale_of

SHAPE = (3, 4, 5)
BOTH = pytest.mark.parametrize("kind", [Autoencoder, VAE])


def build(kind, seed=0):
    return kind(SHAPE, latent_dim=2, hidden=(16, 8), seed=seed)


def images(n=6, dtype=torch.float32):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=dtype)


def test_the_models_share_trunk_and_decoder():
    autoencoder, vae = build(Autoencoder), build(VAE)
    for part in ("trunk", "decoder"):
        assert repr(getattr(autoencoder, part)) == repr(getattr(vae, part))
        for mine, other in zip(getattr(autoencoder, part).parameters(), getattr(vae, part).parameters(), strict=True):
            assert torch.equal(mine, other), f"the {part} starts from other weights"


def test_the_models_differ_in_the_last_encoder_layer_alone():
    shapes = [{name: tuple(p.shape) for name, p in build(kind).named_parameters()} for kind in (Autoencoder, VAE)]
    assert {name for name in shapes[0] if shapes[0][name] != shapes[1][name]} == {"head.weight", "head.bias"}
    assert shapes[0].keys() == shapes[1].keys()
    assert (shapes[0]["head.bias"], shapes[1]["head.bias"]) == ((2,), (4,))  # D, 2 D


def test_encode_gives_a_point_or_a_distribution():
    assert build(Autoencoder).encode(images()).shape == (6, 2)
    q = build(VAE).encode(images())
    assert isinstance(q, torch.distributions.Normal) and q.mean.shape == q.stddev.shape == (6, 2)


@BOTH
def test_seed_sets_the_first_weights(kind):
    same, other = build(kind).state_dict(), build(kind, seed=1).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in build(kind).state_dict().items())
    assert not any(torch.equal(value, same[name]) for name, value in other.items() if name != "mean_image")


@BOTH
def test_construction_leaves_the_global_generator_alone(kind):
    before = torch.random.get_rng_state()
    build(kind)
    assert torch.equal(before, torch.random.get_rng_state())


@BOTH
@pytest.mark.parametrize("size", [1.0, 1e6])
def test_decoded_pixels_lie_between_0_and_1(kind, size):
    model = build(kind)
    with torch.no_grad():
        model.decoder[-3].weight.mul_(100)  # the last layer before the sigmoid
        x_hat = model.decode(size * torch.randn(50, 2, generator=torch.Generator().manual_seed(0)))
    assert x_hat.shape == (50, *SHAPE)
    assert 0 <= x_hat.min() < 0.01 and 0.99 < x_hat.max() <= 1


@pytest.mark.parametrize("bias", [-1e6, -100.0, 100.0, 1e6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sigma_stays_positive_and_finite(bias, dtype):
    vae = build(VAE).to(dtype)
    with torch.no_grad():
        vae.head.bias[2:] = bias  # raw log σ²
    x = images(dtype=dtype)
    q = vae.encode(x)
    assert (q.stddev > 0).all() and q.stddev.isfinite().all()
    loss = vae_loss(x, vae.decode(sample(q)), q)
    assert loss.total.isfinite()
    loss.total.backward()
    assert all(p.grad.isfinite().all() for p in vae.parameters())


@pytest.mark.parametrize("bias", [-15.0, 15.0, -40.0, 40.0])
def test_a_far_away_sigma_is_still_pulled_back(bias):
    vae = build(VAE)
    with torch.no_grad():
        vae.head.bias[2:] = bias
    x = images()
    q = vae.encode(x)
    vae_loss(x, x, q).kl.backward()
    gradient = vae.head.bias.grad[2:]
    assert (gradient * bias > 0).all(), "no gradient brings log σ² back: is it clamped?"


def test_moderate_log_var_is_left_as_it_is():
    vae = build(VAE)
    with torch.no_grad():
        vae.head.weight.zero_()
        vae.head.bias.copy_(torch.tensor([0.0, 0.0, -4.0, 2.0]))
    log_var = vae.encode(images(1)).variance.log()[0].tolist()
    assert log_var == pytest.approx([-4.0, 2.0], rel=0.02)


@BOTH
def test_a_mean_image_is_where_the_decoder_starts(kind):
    mean = images(1)[0].clamp(0.05, 0.95)
    model = kind(SHAPE, 2, (16, 8), mean_image=mean)
    with torch.no_grad():
        model.decoder[-3].weight.zero_()  # what is left is the bias of the last layer
        torch.testing.assert_close(model.decode(torch.ones(1, 2))[0], mean)


# ---- files


@BOTH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loaded_model_is_the_saved_one(kind, dtype, tmp_path):
    model = build(kind, seed=3).to(dtype)
    model.save(tmp_path / "model.safetensors")
    loaded = kind.load(tmp_path / "model.safetensors")
    assert (loaded.image_shape, loaded.latent_dim, loaded.hidden) == (SHAPE, 2, (16, 8))
    x = images(dtype=dtype)
    for name, value in model.state_dict().items():
        assert value.dtype == loaded.state_dict()[name].dtype and torch.equal(value, loaded.state_dict()[name])
    codes = [m.encode(x) for m in (model, loaded)]
    assert torch.equal(*(code.mean if kind is VAE else code for code in codes))


def test_a_model_can_be_loaded_from_a_str(tmp_path):
    build(VAE).save(str(tmp_path / "model.safetensors"))
    assert VAE.load(str(tmp_path / "model.safetensors")).latent_dim == 2
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"], "save left a helper file behind"


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_its_header(path):
    path.write_bytes(path.read_bytes()[:50])


def empty(path):
    path.write_bytes(b"")


def a_text(path):
    path.write_text("These are no weights, they are a shopping list. " * 20)


def a_pickle(path):
    torch.save(build(VAE).state_dict(), path)


def another_class(path):
    build(Autoencoder).save(path)


def without_settings(path):
    save_file(build(VAE).state_dict(), path)


def edited(path, **changes):
    with safe_open(path, framework="pt") as file:
        settings = json.loads(file.metadata()["vaelib"]) | changes
        weights = {name: file.get_tensor(name) for name in file.keys()}
    save_file(weights, path, metadata={"vaelib": json.dumps(settings)})


def another_shape(path):
    edited(path, image_shape=[3, 5, 5])


def more_latents(path):
    edited(path, latent_dim=3)


def absurd_settings(path):
    edited(path, hidden="wide")


def unknown_setting(path):
    edited(path, colour="red")


def nan_weights(path):
    model = build(VAE)
    model.head.bias.data[0] = float("nan")
    model.save(path)


def a_layer_missing(path):
    weights = build(VAE).state_dict()
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({name: w for name, w in weights.items() if name != "head.bias"}, path, metadata=metadata)


@pytest.mark.parametrize(
    "damage, complaint",
    [
        (truncated, "truncated"),
        (cut_in_its_header, "truncated"),
        (empty, "truncated"),
        (a_text, "no safetensors file"),
        (a_pickle, "no safetensors file"),
        (another_class, "does not hold a VAE"),
        (without_settings, "does not hold a VAE"),
        (another_shape, "do not fit"),
        (more_latents, "do not fit"),
        (absurd_settings, "do not fit"),
        (unknown_setting, "do not fit"),
        (a_layer_missing, "do not fit"),
        (nan_weights, "NaN"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_file_is_refused_with_its_path(damage, complaint, tmp_path):
    path = tmp_path / "model.safetensors"
    build(VAE).save(path)
    damage(path)
    with pytest.raises(ValueError, match=complaint) as caught:
        VAE.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors"):
        VAE.load(tmp_path / "nowhere.safetensors")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        build(VAE).save(tmp_path / "nowhere" / "model.safetensors")


def test_an_earlier_file_survives_a_failing_save(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    build(VAE).save(path)
    earlier = path.read_bytes()

    def disk_full(weights, file, **_):
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", disk_full)
    with pytest.raises(OSError, match="no space"):
        build(VAE, seed=1).save(path)
    assert path.read_bytes() == earlier
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"], "a half-written file stays behind"


@BOTH
def test_the_mean_image_is_where_the_encoder_looks_from_and_the_decoder_starts(kind):
    mean_image = torch.full((3, 16, 16), 0.7)
    model = kind((3, 16, 16), 4, mean_image=mean_image)
    with torch.no_grad():
        assert model.trunk[0](mean_image[None] - model.mean_image).abs().max() == 0
        model.decoder[-3].weight.zero_()
        torch.testing.assert_close(model.decode(torch.randn(2, 4)), mean_image.expand(2, -1, -1, -1))


# ---- one network for every β

BETAS = [0, 0.01, 0.3, 1, 7.5, 100]


def multirate(hidden=(16, 8), seed=0):
    """One whose gates do something, as after training."""
    model = MultiRateVAE(SHAPE, 2, hidden, seed)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.3 * torch.randn(weights.shape, generator=generator))
    return model


def test_a_multirate_vae_starts_as_the_vae_with_its_seed():
    vae, weights = build(VAE, seed=3).state_dict(), build(MultiRateVAE, seed=3).state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in vae.items())
    assert {name.split(".")[0] for name in weights.keys() - vae.keys()} == {"gates"}
    for beta in (0, 1, 100):
        assert torch.equal(
            build(MultiRateVAE, seed=3).encode(images(), beta).mean, build(VAE, seed=3).encode(images()).mean
        )


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("hidden", [(16,), (16, 8), (6, 5, 4)])
def test_at_a_beta_it_is_an_ordinary_vae(beta, hidden):
    model = multirate(hidden)
    vae, z = model.at(beta), torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert type(vae) is VAE and vae.hidden == hidden
    q, r = model.encode(images(), beta), vae.encode(images())
    torch.testing.assert_close(q.mean, r.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(q.stddev, r.stddev, rtol=1e-4, atol=0)
    torch.testing.assert_close(model.decode(z, beta), vae.decode(z), rtol=0, atol=1e-5)


def test_beta_changes_what_every_gated_layer_does():
    model = multirate()
    low, high = (model.encode(images(), beta) for beta in (0.1, 10))
    assert (low.mean - high.mean).abs().mean() > 0.01 and (low.stddev - high.stddev).abs().mean() > 0.01
    z = torch.ones(1, 2)
    assert (model.decode(z, 0.1) - model.decode(z, 10)).abs().max() > 0.01


def test_a_batch_may_have_a_beta_for_each_image():
    model, z = multirate(), torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    betas = torch.tensor(BETAS)
    q, x_hat = model.encode(images(), betas), model.decode(z, betas)
    for k, beta in enumerate(BETAS):
        one = model.encode(images()[k : k + 1], beta)
        torch.testing.assert_close(q.mean[k : k + 1], one.mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(q.stddev[k : k + 1], one.stddev, rtol=1e-4, atol=0)
        torch.testing.assert_close(x_hat[k : k + 1], model.decode(z[k : k + 1], beta), rtol=0, atol=1e-5)


def test_at_leaves_the_model_alone():
    model = multirate()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    vae = model.at(1.0)
    with torch.no_grad():
        for weights in vae.parameters():
            weights.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_scale_of_beta_goes_from_0_to_100():
    t = torch.linspace(-1, 1, 201, dtype=torch.float64)
    betas = beta_at(t)
    assert betas[0] == 0 and betas[-1] == pytest.approx(100, rel=1e-3) and (betas.diff() > 0).all()
    torch.testing.assert_close(scale_of(betas), t)
    ratios = betas[1:] / betas[:-1]
    assert ratios[150:].max() / ratios[150:].min() < 1.01, "the scale is not logarithmic where β is large"


def test_betas_are_drawn_from_the_whole_scale_in_every_batch():
    model, generator = build(MultiRateVAE), torch.Generator().manual_seed(0)
    first, second = (scale_of(model.draw_betas(64, generator)) for _ in range(2))
    for t in (first, second):
        assert (((t.sort().values + 1) / 2 * 64).floor() == torch.arange(64)).float().mean() > 0.95
    assert not torch.equal(first, second) and not torch.equal(first, first.sort().values)


@pytest.mark.parametrize(
    ("beta", "error"),
    [
        *((beta, ValueError) for beta in (-0.1, 100.5, 1e39, float("nan"), torch.ones(3), torch.tensor([-1.0]))),
        *((beta, TypeError) for beta in ("1", None, torch.ones(6, dtype=torch.int64))),
    ],
)
def test_a_bad_beta_is_named(beta, error):
    model = build(MultiRateVAE)
    for call in (lambda: model.encode(images(), beta), lambda: model.decode(torch.ones(6, 2), beta)):
        with pytest.raises(error, match="beta"):
            call()
    if not isinstance(beta, torch.Tensor):
        with pytest.raises(error, match="beta"):
            model.at(beta)


def test_a_multirate_vae_is_kept_in_a_file(tmp_path):
    model = multirate()
    model.save(tmp_path / "model.safetensors")
    loaded = MultiRateVAE.load(tmp_path / "model.safetensors")
    assert torch.equal(loaded.encode(images(), 2.0).mean, model.encode(images(), 2.0).mean)
    with pytest.raises(ValueError, match="does not hold a VAE"):
        VAE.load(tmp_path / "model.safetensors")
