"""The checks of lesson 10."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import Case, answer_of, compare, generator, is_same
from vaelib.language import _


@exercise
def check_tiles(function: Callable) -> str:
    """Checks `function(photo, size)`: a photograph (H, W, 3) of bytes → its tiles (n, 3, size, size) in [0, 1]."""
    case = next(_photographs())
    answer = answer_of(function, case.arguments, None)
    if is_same(answer, case.right) and answer.dtype != torch.float32:
        raise NotYet(
            _("the values are right, but they are {dtype}; the weights of a model are torch.float32").format(
                dtype=answer.dtype
            )
        )
    compare(function, _photographs())
    return _("tiles in [0, 1], colours first, what does not fill a tile left over")


def _photographs() -> Iterator[Case]:
    # Tiles are not 3 pixels wide at first: their colours would be taken for their rows.
    for H, W, size in ((9, 14, 4), (8, 5, 5), (5, 9, 2)):
        photo = torch.randint(0, 256, (H, W, 3), generator=generator(), dtype=torch.uint8)
        yield Case(
            (photo, size),
            _tiles_of(photo / 255, size),
            _mistakes_in_tiles(photo, size),
            _("{H} × {W} pixels").format(H=H, W=W),
        )


def _tiles_of(photo: Tensor, size: int, *, by_columns: bool = False) -> Tensor:
    """The tiles of a photograph (H, W, 3), row by row, or column by column."""
    H, W, _ = photo.shape
    tops, lefts = range(0, H - size + 1, size), range(0, W - size + 1, size)
    places = [(i, j) for j in lefts for i in tops] if by_columns else [(i, j) for i in tops for j in lefts]
    return torch.stack([photo[i : i + size, j : j + size].permute(2, 0, 1) for i, j in places])


def _mistakes_in_tiles(photo: Tensor, size: int) -> dict[str, Tensor]:
    H, W = photo.shape[:2]
    values = photo / 255
    right, (rows, columns) = _tiles_of(values, size), (H // size, W // size)
    whole = values[: rows * size, : columns * size]
    every = (
        whole.permute(2, 0, 1).unfold(1, size, 1).unfold(2, size, 1).permute(1, 2, 0, 3, 4).reshape(-1, 3, size, size)
    )
    return {
        _("these are bytes from 0 to 255: divide by 255"): _tiles_of(photo, size).float(),
        _("divided by 256: the largest byte is 255"): _tiles_of(photo / 256, size),
        _("divided by the largest value of this photograph: a dark one would become as bright as any"): _tiles_of(
            values / values.max(), size
        ),
        _("mapped to [-1, 1]: the course's pixels lie in [0, 1]"): 2 * right - 1,
        _("everything below 255 became 0: divide with /, not //"): (right == 1).float(),
        _("the colours stand last: a tile is (3, size, size), permute(2, 0, 1) puts them first"): right.permute(
            0, 2, 3, 1
        ),
        _("rows and columns of the pixels are exchanged: permute(2, 0, 1), not (2, 1, 0)"): right.transpose(2, 3),
        _("pixels are scrambled: reshape and view only count the numbers anew, permute moves the axes"): (
            whole.reshape(-1, 3, size, size)
        ),
        _("colours are scrambled within each tile: permute(2, 0, 1) moves the axes, reshape does not"): (
            right.permute(0, 2, 3, 1).reshape(-1, 3, size, size)
        ),
        _("the tiles come column by column: let them run along the rows first"): _tiles_of(
            values, size, by_columns=True
        ),
        _("red and blue are exchanged: some libraries read photographs so"): right.flip(1),
        _("the tiles overlap: go on by a whole tile, range(0, …, size)"): every,
        _("this is the first tile alone"): right[:1],
        _("this is the first tile alone, and a batch of one is (1, 3, size, size)"): right[0],
        _("the last row of tiles is missing: range(0, H − size + 1, size)"): right[: (rows - 1) * columns],
        _("the last column of tiles is missing: range(0, W − size + 1, size)"): right.reshape(
            rows, columns, 3, size, size
        )[:, :-1].flatten(0, 1),
        _("the tiles run backwards"): right.flip(0),
    }


@exercise
def check_detail(function: Callable) -> str:
    """Checks `function(images)`: the mean |difference| of pixels side by side in a row, (B, C, H, W) → (B,)."""
    compare(function, _batches())
    return _("a sharp picture has much detail, a blurred one little")


def _batches() -> Iterator[Case]:
    for shape, dtype in (((4, 3, 5, 6), torch.float32), ((2, 1, 7, 3), torch.float64), ((1, 3, 2, 2), torch.float32)):
        images = torch.rand(*shape, generator=generator(), dtype=dtype)
        yield Case(
            (images,),
            _detail(images),
            _mistakes_in_detail(images),
            _("images of shape {shape} in {dtype}").format(shape=shape, dtype=dtype),
        )


def _detail(images: Tensor) -> Tensor:
    return (images[..., 1:] - images[..., :-1]).abs().mean(dim=(1, 2, 3))


def _mistakes_in_detail(images: Tensor) -> dict[str, Tensor]:
    across, down = images[..., 1:] - images[..., :-1], images[..., 1:, :] - images[..., :-1, :]
    return {
        _("these are pixels one above the other: here it is pixels side by side, the last axis"): down.abs().mean(
            (1, 2, 3)
        ),
        _("signs cancel: take the absolute value of each difference first"): across.mean(dim=(1, 2, 3)),
        _("this is the absolute value of the mean: take the mean of absolute values"): across.mean(dim=(1, 2, 3)).abs(),
        _("you squared the differences: take absolute values"): across.square().mean(dim=(1, 2, 3)),
        _("you squared the differences and took the root: take absolute values"): across.square()
        .mean((1, 2, 3))
        .sqrt(),
        _("you summed over the pixels: average, or large images have more detail than small ones"): across.abs().sum(
            (1, 2, 3)
        ),
        _("this is one number for all images: keep one for each"): across.abs().mean(),
        _("this is one number for each row of pixels: average over colours and rows, too"): across.abs().mean(dim=-1),
        _("the first pixel is compared with the last: leave that pair out"): (images - images.roll(1, dims=-1))
        .abs()
        .mean(dim=(1, 2, 3)),
        _("you divided by the number of pixels, not of pairs: one pair less in each row"): across.abs().sum((1, 2, 3))
        / images[0].numel(),
        _("this is the spread of the pixels, which a smooth shade of colour has as well"): images.std(dim=(1, 2, 3)),
        _("these are pixels two steps apart: neighbours are one step apart"): (
            (images[..., 2:] - images[..., :-2]).abs().mean(dim=(1, 2, 3))
        ),
        _("colours are compared with each other: it is pixels side by side, the last axis"): (
            (images[:, 1:] - images[:, :-1]).abs().mean(dim=(1, 2, 3))
        ),
        _("images are compared with each other: it is pixels side by side, the last axis"): (
            (images[1:] - images[:-1]).abs().mean(dim=(1, 2, 3))
        ),
    }
