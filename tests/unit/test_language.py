"""In which language vaelib speaks, and that what it says is whole."""

import os
import re
import subprocess
import sys
import threading

import pytest
import torch
from matplotlib.backends.backend_agg import RendererAgg

import vaelib
from tools.explorer_controls import EXPLORERS
from vaelib import VAE, Autoencoder, checks, digits, explorers, faces, figures, language
from vaelib.explorers import compare_codes, explore_latents, judge
from vaelib.faces import FACTORS
from vaelib.history import History
from vaelib.language import Name
from vaelib.measures import fit_probes


@pytest.fixture(autouse=True)
def nobody_has_chosen(monkeypatch):
    monkeypatch.setattr(language, "_used", None)
    monkeypatch.delenv("VAELIB_LANG", raising=False)
    language._of_environment.cache_clear()


def wrong(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 + log_var)


def said_of(function, capsys):
    checks.check_kl(function)
    return capsys.readouterr().out.strip()


ENGLISH = "✗ not yet: the sign of log σ² is turned round"
ITALIAN = "✗ non ancora: il segno di log σ² è rovesciato"


def test_english_is_the_source(capsys):
    assert language.chosen() == "en" and language._("any text") == "any text"
    assert said_of(wrong, capsys) == ENGLISH
    language.use("en")
    assert said_of(wrong, capsys) == ENGLISH


def test_the_language_is_looked_up_at_each_call(capsys, monkeypatch):
    language.use("it")
    assert said_of(wrong, capsys) == ITALIAN
    language.use("en")
    assert said_of(wrong, capsys) == ENGLISH
    monkeypatch.setattr(language, "_used", None)
    monkeypatch.setenv("VAELIB_LANG", "it")
    assert said_of(wrong, capsys) == ITALIAN
    monkeypatch.delenv("VAELIB_LANG")
    assert said_of(wrong, capsys) == ENGLISH


def test_who_calls_is_stronger_than_the_environment(monkeypatch):
    monkeypatch.setenv("VAELIB_LANG", "it")
    assert language.chosen() == "it"
    language.use("en")
    assert language.chosen() == "en"


@pytest.mark.parametrize("other", ["fr", "", "IT", "it_IT", None, 3, "../it"])
def test_a_language_without_a_catalogue_is_refused(other):
    language.use("it")
    with pytest.raises(ValueError, match=r"^language must be one of 'en', 'it', got"):
        language.use(other)
    assert language.chosen() == "it"


def test_one_in_the_environment_is_said_once_and_stops_nothing(monkeypatch):
    monkeypatch.setenv("VAELIB_LANG", "fr")
    with pytest.warns(UserWarning, match=r"^VAELIB_LANG must be one of en, it, got 'fr': English it is$") as said:
        assert [language._("epoch") for _turn in range(3)] == ["epoch"] * 3
    assert len(said) == 1


def test_every_thread_speaks_it():
    language.use("it")
    found = []
    thread = threading.Thread(target=lambda: found.append(language._("epoch")))
    thread.start()
    thread.join()
    assert found == ["epoca"]


def test_another_program_hears_it_from_the_environment():
    code = "from vaelib.history import History; print(History(1.0))"
    environment = {"VAELIB_LANG": "it", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "nessuna epoca intera", done.stderr


def test_errors_stay_english():
    language.use("it")
    with pytest.raises(ValueError, match=r"^n must be at least 1"):
        faces(0)


def test_nothing_is_no_header():
    """For gettext the empty text is the catalogue's own description."""
    language.use("it")
    assert language._("") == ""


def test_a_figure_in_italian():
    torch.manual_seed(0)
    images, factors = faces(40)
    vae = VAE((3, 32, 32), latent_dim=3, hidden=(8,))
    probes = fit_probes(vae.encode(images).mean, factors, vaelib.faces.__globals__["FACTORS"])
    language.use("it")
    figure = figures.figure_vae(vae, probes, images[:1], truth=factors[0])
    texts = [text.get_text() for axes in figure.axes for text in [*axes.texts, axes.title, *axes.get_yticklabels()]]
    assert {"codificatore", "decodificatore", "immagine $x$", "tono della pelle", "sorriso"} <= set(texts)
    assert not {"encoder", "decoder", "smile"} & set(texts)
    assert (
        figure.alt.startswith("Figura 2, il VAE: un volto → codificatore → 3 campane") and "sorriso circa" in figure.alt
    )


def test_a_readers_own_labels_are_left_alone():
    language.use("it")
    history = History(1.0, [9.0], [6.0], [3.0], [(3.0,)])
    figure = figures.labelled_points({"mine": {"here": (1.0, 2.0)}}, xlabel="across", ylabel="up", alt="points")
    assert figure.axes[0].get_xlabel() == "across" and figure.axes[0].texts[0].get_text() == "here"
    assert history.plot().axes[0].get_xlabel() == "epoca"


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("1.5", "1,5"),
        ("−0.25 ± 0.031", "−0,25 ± 0,031"),
        ("(0.5, −1.2)", "(0,5; −1,2)"),
        ("UAE, N(0, 0.1²)", "UAE, N(0; 0,1²)"),
        ("UAE, N(0, 1)", "UAE, N(0, 1)"),
        ("12 epochs. 3 seeds", "12 epochs. 3 seeds"),
    ],
)
def test_numbers_have_the_sign_of_the_language(english, italian):
    assert language.decimals(english) == english
    language.use("it")
    assert language.decimals(english) == italian


def drawn_texts(figure, monkeypatch):
    """What a figure writes, ticks too."""
    texts, draw_text = [], RendererAgg.draw_text

    def noted(renderer, gc, x, y, text, *rest, **options):
        texts.append(text)
        return draw_text(renderer, gc, x, y, text, *rest, **options)

    monkeypatch.setattr(RendererAgg, "draw_text", noted)
    page = figure.to_html()
    return set(texts), page


def test_a_figures_numbers_have_the_sign_of_the_language(monkeypatch):
    def texts():
        figure = figures.labelled_points(
            {"mine": {"1.25 nats": (0.4, 0.2)}}, xlabel=r"$\sigma = 0.5$", ylabel="up", alt="at (0.4, 0.2)"
        )
        return drawn_texts(figure, monkeypatch)

    english, page = texts()
    assert {"1.25 nats", r"$\sigma = 0.5$", "0.210"} <= english and 'alt="at (0.4, 0.2)"' in page
    language.use("it")
    italian, page = texts()
    assert {"1,25 nats", r"$\sigma = 0{,}5$", "0,210"} <= italian and 'alt="at (0,4; 0,2)"' in page
    assert not any(re.search(r"\d\.\d", text) for text in italian)


def test_a_list_has_its_own_and():
    assert language.listed(["mu", "log_var"]) == "mu and log_var"
    language.use("it")
    assert language.listed(["mu", "log_var"]) == "mu e log_var"


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_sends_its_words_in_the_language_in_use(name):
    explorer = getattr(explorers, name)
    assert explorer().words == {}
    language.use("it")
    words = explorer().words
    assert words["."] == "," and words["({first}, {second})"] == "({first}; {second})"
    assert 15 < len(words) < 80 and "the upper row" not in words


def test_attributes_reach_the_browser_in_italian():
    assert "smile" in compare_codes().about["names"] and "smile" in explore_latents().about["names"]
    language.use("it")
    assert "sorriso" in compare_codes().about["names"] and "sorriso" in explore_latents().about["names"]
    assert compare_codes(names=list("abcdef")).about["names"] == list("abcdef")


def test_what_is_written_in_javascript_is_found():
    language.use("it")
    script = (
        r"""say("epoch"); say( "class"); essay("noise"); say(`beard`); say(word); say("1\u00a0σ"); say("unknown")"""
    )
    assert language.words_of(script) == {"epoch": "epoca", "class": "classe"}


def test_the_blind_test_asks_in_italian():
    language.use("it")
    rows = {"UAE": torch.rand(2, 3, 1, 4, 4), "VAE": torch.rand(2, 3, 1, 4, 4)}
    said, picture, buttons = judge(rows, question="Quale?").children
    assert said.value == "Coppia 1 di 2. Quale?" and 'alt="la riga di sopra della coppia 1"' in picture.value
    assert [button.description for button in buttons.children] == ["la riga di sopra", "la riga di sotto"]


def test_a_training_counts_in_italian(capsys):
    language.use("it")
    history = vaelib.fit(Autoencoder((1, 28, 28), latent_dim=2, hidden=(4,)), digits("test").images[:64], epochs=2)
    assert repr(history).startswith("2 epoche: perdita circa ")
    bar = capsys.readouterr().err
    assert "addestramento: 100%" in bar and "perdita=" in bar and "ricostruzione=" in bar


def test_a_name_is_found_in_english_and_shown_in_the_language():
    [name] = [one for one in FACTORS if one == "smile"]
    assert f"{name}: {name!s:>8}" == "smile:    smile" and {name: 1}["smile"] == 1
    language.use("it")
    assert f"{name}: {name!s:>8}" == "sorriso:  sorriso" and name == "smile" and repr(name) == "'smile'"
    assert FACTORS.index("smile") == 2 and f"{Name('unheard')}" == "unheard"
