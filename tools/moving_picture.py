"""The README's moving picture: β goes up and back, and all that `explore_beta` shows follows. `make moving-picture`.

The explorer is the one of the playground's page, which needs no kernel (tools/site). A browser sets β and takes each
frame. With the picture goes a number for the code and the model behind it, so that a test can tell when it is too old.
"""

import hashlib
import io
import sys
import tempfile
from pathlib import Path

from PIL import ExifTags, Image

from tools.explorer_controls import SETTLED
from tools.lab import NoBrowser, chromium
from tools.lessons import LESSONS, ROOT, executed
from tools.site import make as make_site
from vaelib.explorers import base
from vaelib.trained import WEIGHTS

PICTURE = ROOT / "images" / "explore_beta.webp"
UP = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
BETAS = UP + UP[-2:0:-1]  # and back, without showing either end twice
WIDTH = 1000  # CSS pixels: of a README on a laptop, with its margins
TIMES = 3  # then it rests: what moves for ever beside a text is hard to read
FRAME, END = 450, 1200  # ms: how long a frame is seen, and each end
QUALITY = 75  # of WebP, from 0 to 100: small type must stay sharp

LESSON = LESSONS["09"]  # which trains nothing
EXPLORER = '.vl[aria-label="Explore β"]'


def take_frames(browser, page_file: Path) -> list[Image.Image]:
    """What `explore_beta` on this page of the site shows at each of `BETAS`."""
    frames = {}
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
    page.goto(page_file.as_uri())
    explorer = page.locator(EXPLORER).first
    explorer.wait_for()
    for beta in UP:
        explorer.evaluate("(it, beta) => it.parentElement.model.set('beta', beta)", beta)
        page.evaluate(SETTLED)
        frames[beta] = Image.open(io.BytesIO(explorer.screenshot())).convert("RGB")
    page.close()
    return [frames[beta] for beta in BETAS]


def save(frames: list[Image.Image], path: Path) -> None:
    """The frames as one animated WebP, with `made_of` in its description."""
    about = Image.Exif()
    about[ExifTags.Base.ImageDescription] = made_of()
    ends = (BETAS.index(min(BETAS)), BETAS.index(max(BETAS)))
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=[END if k in ends else FRAME for k in range(len(frames))],
        loop=TIMES,
        quality=QUALITY,
        method=6,
        exif=about,
    )


def made_of() -> str:
    """A number for what the picture shows: the explorer's code and style, its model, and the β; 16 hex digits."""
    style = (base.FOLDER / "browser" / "explorers.css").read_text(encoding="utf-8")
    hashed = hashlib.sha256("\n".join([base.bundle("explore_beta"), style, repr(BETAS)]).encode())
    hashed.update((WEIGHTS / "faces.safetensors").read_bytes())
    return hashed.hexdigest()[:16]


def description(path: Path) -> str | None:
    """What `save` wrote into the picture; None where nothing stands."""
    with Image.open(path) as picture:
        return picture.getexif().get(ExifTags.Base.ImageDescription)


def frames_of_the_playground(browser, folder: Path) -> list[Image.Image]:
    """The frames, taken from a page that is made for it in the `folder`."""
    make_site.install()
    page = make_site.page_of(LESSON.stem, executed(LESSON))
    make_site.write(page, [], folder, make_site.ENGLISH, [])
    return take_frames(browser, folder / f"{page.name}.html")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with chromium() as browser:
                frames = frames_of_the_playground(browser, Path(folder))
        except (make_site.SiteError, NoBrowser) as error:
            sys.exit(f"make moving-picture: {error}")
    save(frames, PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {len(frames)} frames, {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
