"""Views as the public FuseDream code makes them, against a restatement of what it computes.

The restatement works on single pixels and on pictures in [-1, 1], from the same random numbers: slow, and plain to check.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.scoring.augclip import AugCLIP, fresh_score
from fusedream_sdk.scoring.public_views import BATCH, batches, cut_out, resize, translate, whole
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS, Stream, Views, uniforms
from fusedream_sdk.search.bank import BankRecipe
from fusedream_sdk.search.building import mean_view
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents

GENERATOR, SCORER = ToyGenerator(20), ToyScorer(8)
FAMILIES = ("colour", "translation", "resize", "cutout")


def pictures(n: int, side: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def moved(x: np.ndarray, right: int, down: int) -> np.ndarray:
    """Pixel by pixel, 0 where nothing comes from inside."""
    out, side = np.zeros_like(x), x.shape[-1]
    for row in range(side):
        for column in range(side):
            if 0 <= row - down < side and 0 <= column - right < side:
                out[:, row, column] = x[:, row - down, column - right]
    return out


def bilinear(x: np.ndarray, side: int) -> np.ndarray:
    """Between the nearest four pixels, whose centres are at halves; beyond the outermost centres the outermost pixel."""
    old = x.shape[-1]
    at = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, old - 1), at - np.floor(at)
    rows = x[:, low] * (1 - share)[None, :, None] + x[:, high] * share[None, :, None]
    return rows[:, :, low] * (1 - share) + rows[:, :, high] * share


def restated(picture: Tensor, u: Tensor, families: tuple[str, ...] = FAMILIES) -> np.ndarray:
    """The views of one picture in [0, 1], by numbers (V, 9): (V, 3, R, R) in about [-1, 1], V at most a batch."""
    numbers, views, side = u.double().numpy(), [], picture.shape[-1]
    most, hole = int(side * 0.125 + 0.5), int(side * 0.5 + 0.5)
    new = int(side * (0.8 + 0.4 * numbers[0, 5]))  # one ratio for all, rounded down
    for brightness, saturation, contrast, dx, dy, _, column, row, _ in numbers:
        x = 2 * picture.double().numpy() - 1
        if "colour" in families:
            x = x + brightness - 0.5
            grey = x.mean(axis=0, keepdims=True)
            x = (x - grey) * (2 * saturation) + grey
            x = (x - x.mean()) * (contrast + 0.5) + x.mean()
        if "translation" in families:
            x = moved(x, int(dx * (2 * most + 1)) - most, int(dy * (2 * most + 1)) - most)
        if "resize" in families:
            scaled, spare = bilinear(x, new), abs(side - new) // 2
            if new < side:
                x = np.zeros_like(x)
                x[:, spare : spare + new, spare : spare + new] = scaled
            else:
                x = scaled[:, spare : spare + side, spare : spare + side]
        if "cutout" in families:
            x = x.copy()
            left, top = (int(n * (side + 1 - hole % 2)) - hole // 2 for n in (column, row))
            x[:, max(top, 0) : max(top + hole, 0), max(left, 0) : max(left + hole, 0)] = 0
        views.append(x)
    return np.stack(views)


def as_before(found: Tensor) -> np.ndarray:
    return 2 * found.double().numpy() - 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**63 - 1), st.integers(0, 9999), st.sampled_from([8, 20, 33]))
def test_a_view_is_what_the_public_code_computes_from_the_same_numbers(seed: int, step: int, side: int):
    picture = pictures(1, side, step)
    found = PUBLIC_VIEWS(picture, seeds=[seed], step=step, count=5)
    u = uniforms([seed], step=step, count=5, stream=Stream.OPTIMISE)[0]
    np.testing.assert_allclose(as_before(found), restated(picture[0], u), atol=1e-4)  # of float32 against float64


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_alone_is_what_the_public_code_computes(family: str):
    only = Views(**{name: name == family for name in FAMILIES}, variant="public")  # pyright: ignore[reportArgumentType]
    picture = pictures(1, 24)
    u = uniforms([3], step=4, count=6, stream=Stream.SELECT)[0]
    found = only(picture, seeds=[3], step=4, count=6, stream=Stream.SELECT)
    np.testing.assert_allclose(as_before(found), restated(picture[0], u, (family,)), atol=1e-5)


def test_the_scorer_sees_each_view_shrunk_by_itself_bilinear_and_not_antialiased():
    picture, u = pictures(1, 40), uniforms([1], step=0, count=3, stream=Stream.OPTIMISE)[0]
    found = PUBLIC_VIEWS.seen(picture, 16, seeds=[1], step=0, count=3)
    np.testing.assert_allclose(as_before(found), [bilinear(view, 16) for view in restated(picture[0], u)], atol=1e-5)
    assert PUBLIC_VIEWS.at_full_resolution
    assert not Views().at_full_resolution


def test_of_a_wide_picture_the_middle_is_taken():
    wide = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    options = {"seeds": [1], "step": 0, "count": 2}
    assert torch.equal(PUBLIC_VIEWS.seen(wide, 8, **options), PUBLIC_VIEWS.seen(wide[..., 5:25], 8, **options))


def test_without_a_family_the_picture_is_shrunk_as_the_plain_loss_of_the_public_code_does():
    picture = pictures(1, 40)
    found = Views(**dict.fromkeys(FAMILIES, False), variant="public").seen(picture, 16, seeds=[1], step=0, count=1)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(found[0].double().numpy(), bilinear(picture[0].double().numpy(), 16), atol=1e-6)


@pytest.mark.parametrize(("u", "width"), [(0.0, 32), (0.99999, 47), (0.5, 40)])
def test_resize_changes_the_size_of_things(u: float, width: int):
    """A square of 40 pixels in a picture of 256 is of 32 pixels at 0.8, padded, and of 47 at 1.2, cropped."""
    square = torch.zeros(1, 1, 256, 256)
    square[..., 108:148, 108:148] = 1
    row = resize(square, u, 0.2)[0, 0, 128]
    assert row.shape == (256,)
    assert float(row.sum()) == pytest.approx(width, abs=1)
    assert abs(int((row > 0.5).sum()) - width) <= 1


def test_what_is_pushed_out_of_a_smaller_view_is_lost_there_and_not_with_ours():
    """Moved right by an eighth and shrunk to 0.8: the public code moves first, so that the edge that it pushed out is grey."""
    edge = torch.full((1, 3, 32, 32), 0.5)
    edge[..., 30:] = 1.0
    u = torch.full((1, 9), 0.5)
    u[0, 3], u[0, 5] = 0.99, 0.0
    there = cut_out(resize(translate(edge - 0.5, u[:, 3:5], 0.125), 0.0, 0.2), u[:, 6:8], 0.0)
    assert float(there.abs().max()) == 0.0
    assert float(Views()._move(edge - 0.5, u[:, 3:6]).abs().max()) > 0.2


def test_fifty_views_share_a_ratio_and_the_next_fifty_another():
    only = Views(colour=False, translation=False, cutout=False, variant="public")
    views = only(torch.ones(1, 3, 64, 64), seeds=[7], step=0, count=2 * BATCH)
    padding = (views == 0.5).sum(dim=(1, 2, 3))
    assert [len(padding[part].unique()) for _, part in batches(range(len(views)))] == [1, 1]
    drawn = [only(torch.ones(1, 3, 64, 64), seeds=[seed], step=0, count=1) for seed in range(20)]
    assert len({int((view == 0.5).sum()) for view in drawn}) > 4
    assert batches(range(120)) == [(0, slice(0, 50)), (50, slice(50, 100)), (100, slice(100, 120))]
    assert batches(range(40, 60)) == [(0, slice(0, 10)), (50, slice(10, 20))]


def test_a_part_of_the_views_is_that_part_of_all():
    images, named = torch.rand(2, 3, 16, 16), {"seeds": [3, 4], "step": 1, "count": 120}
    every = PUBLIC_VIEWS.seen(images, 8, **named).view(2, 120, 3, 8, 8)
    assert torch.equal(PUBLIC_VIEWS.seen(images, 8, **named, part=slice(40, 60)).view(2, 20, 3, 8, 8), every[:, 40:60])


def test_rows_have_ratios_of_their_own_and_are_the_same_alone_and_whatever_the_count():
    images = pictures(3, 24)
    together = PUBLIC_VIEWS(images, seeds=[7, 8, 9], step=1, count=4)
    alone = [PUBLIC_VIEWS(images[i : i + 1], seeds=[7 + i], step=1, count=4) for i in range(3)]
    assert torch.equal(together, torch.cat(alone))
    few = PUBLIC_VIEWS(images, seeds=[7, 8, 9], step=1, count=2)
    assert torch.equal(few, together.unflatten(0, (3, 4))[:, :2].flatten(0, 1))


def test_the_strengths_are_those_that_are_given():
    still = Views(brightness=0, saturation=0, contrast=0, shift=0, zoom=0, hole=0, variant="public")
    images = pictures(1, 24)
    torch.testing.assert_close(still(images, seeds=[0], step=0, count=2), images.repeat(2, 1, 1, 1))


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True, width=32))
def test_integers_are_inside_and_those_of_the_ends_are_reached(choices: int, u: float):
    assert 0 <= whole(torch.tensor([u]), choices)[0] < choices
    assert whole(torch.tensor([0.0, 1 - 2**-24]), choices) == [0, choices - 1]


def test_every_pixel_receives_a_gradient_through_some_view():
    images = pictures(1, 16).requires_grad_()
    PUBLIC_VIEWS.seen(images, 8, seeds=[0], step=0, count=30).square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().amax(dim=(0, 1)).min() > 0


def test_score_report_and_bank_all_see_the_views_of_the_public_code():
    latents, seeds = random_latents(GENERATOR, 2), [4, 5]
    images, target = GENERATOR(latents), make_target(SCORER, ["red", "blue"])
    text = SCORER.encode_text(["red", "blue"])

    def expected(row: int, seed: int, step: int, count: int, stream: Stream) -> Tensor:
        u = uniforms([seed], step=step, count=count, stream=stream)[0]
        views = np.stack([(bilinear(view, 8) + 1) / 2 for view in restated(images[row], u)])
        return SCORER.encode_image(torch.from_numpy(views).float())

    objective = AugCLIP(GENERATOR, target, seeds, views=PUBLIC_VIEWS, count=4)
    wanted = [float((expected(i, seeds[i], 3, 4, Stream.OPTIMISE) @ text[i]).mean()) for i in (0, 1)]
    assert (-objective(latents, step=3).primary).tolist() == pytest.approx(wanted, abs=1e-4)
    fresh = fresh_score(images, target, seeds, views=PUBLIC_VIEWS, count=4, stream=Stream.REPORT)
    wanted = [float((expected(i, seeds[i], 0, 4, Stream.REPORT) @ text[i]).mean()) for i in (0, 1)]
    assert fresh.tolist() == pytest.approx(wanted, abs=1e-4)
    embedded = mean_view(images, SCORER, [0, 1], BankRecipe("g", "s", size=2, views=PUBLIC_VIEWS, count=3))
    wanted_mean = torch.stack([expected(i, i, 0, 3, Stream.BANK).mean(dim=0) for i in (0, 1)])
    torch.testing.assert_close(embedded, wanted_mean, atol=1e-4, rtol=0)


def test_the_variant_is_part_of_the_identity_and_only_where_it_is_not_ours_of_the_words():
    assert len({Views().fingerprint, NO_VIEWS.fingerprint, PUBLIC_VIEWS.fingerprint}) == 3
    assert Views().fingerprint == (
        "colour=True,translation=True,resize=True,cutout=True,brightness=0.25,saturation=1.0,contrast=0.5,shift=0.125,zoom=0.2,"
        "hole=0.5"
    )
    assert "variant" not in Views().to_json()
    assert Views(**PUBLIC_VIEWS.to_json()) == PUBLIC_VIEWS
