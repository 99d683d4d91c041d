"""Cutouts of Big Sleep and VQGAN-CLIP, against plain restatements from the same random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring import cutouts
from fusedream_sdk.scoring.augclip import AugCLIP, fresh_score
from fusedream_sdk.scoring.cutouts import BATCH, CUTOUTS, crops, warped
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import BIG_SLEEP_CUTOUTS, VQGAN_CLIP_CUTOUTS, Stream, Views
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents

BOTH = pytest.mark.parametrize("views", [BIG_SLEEP_CUTOUTS, VQGAN_CLIP_CUTOUTS], ids=["big-sleep", "vqgan-clip"])
NEVER = 0.99  # a change happens where its number is below 0.7
NUMBERS = 26


def pictures(n: int, side: int = 20, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def numbers(**at: float) -> Tensor:
    """One view's numbers behind VQGAN-CLIP's cutouts: nothing happens but what is said; 0.5 is the middle of a range."""
    names = ["affine", "turn", "shear", "right", "down", "aslant", *(f"corner{i}" for i in range(8))]
    names += ["colour", "brightness", "contrast", "saturation", "hue"]
    names += ["erase", "area", "longer", "ratio", "column", "row", "noise"]
    still = dict.fromkeys(("affine", "aslant", "colour", "erase"), NEVER) | {"noise": 0.0}
    return torch.tensor([[at.get(name, still.get(name, 0.5)) for name in names]])


def one(picture: Tensor, resolution: int = 0, /, **at: float) -> Tensor:
    """The one view of a picture (3, H, W)."""
    return warped(picture, numbers(**at), range(1), resolution or picture.shape[-1], (0, 0))[0]


@BOTH
@given(st.integers(0, 2**63 - 1), st.integers(0, 9999))
def test_a_cutout_is_named_by_seed_stream_step_and_index_alone(views: Views, seed: int, step: int):
    picture = pictures(1)
    first = views.seen(picture, 8, seeds=[seed], step=step, count=3)
    assert torch.equal(first, views.seen(picture, 8, seeds=[seed], step=step, count=3))
    assert torch.equal(first, views.seen(picture, 8, seeds=[seed], step=step, count=9)[:3])
    assert torch.equal(first[1:], views.seen(picture, 8, seeds=[seed], step=step, count=3, part=slice(1, 3)))
    assert torch.equal(first, views.seen(pictures(2)[[1, 0]], 8, seeds=[5, seed], step=step, count=3)[3:])
    for other in ({"step": step + 1}, {"seeds": [seed ^ 1]}, {"stream": Stream.REPORT}):
        assert not torch.equal(first, views.seen(picture, 8, **{"seeds": [seed], "step": step, "count": 3, **other}))


@BOTH
def test_the_global_random_state_is_neither_read_nor_moved(views: Views):
    state = torch.get_rng_state()
    views(pictures(1), seeds=[0], step=0, count=2)
    assert torch.equal(state, torch.get_rng_state())


@BOTH
def test_a_score_is_the_mean_over_the_cutouts_and_has_a_gradient_in_every_latent(views: Views):
    generator, scorer = ToyGenerator(20), ToyScorer(8)
    objective = AugCLIP(generator, make_target(scorer, ["red", "blue"]), [3, 4], views=views, count=60)
    latents = {name: x.requires_grad_() for name, x in random_latents(generator, 2).items()}
    found = objective(latents, step=1)
    seen = scorer.encode_image(views.seen(found.images, 8, seeds=[3, 4], step=1, count=60)).view(2, 60, -1)
    expected = (seen * scorer.encode_text(["red", "blue"])[:, None]).sum(dim=2).mean(dim=1)
    torch.testing.assert_close(found.primary, -expected)
    gradients = torch.autograd.grad(found.primary.sum(), list(latents.values()))
    assert all((x != 0).all() for x in gradients)
    score = fresh_score(found.images, objective.target, [3, 4], views=views, count=4, stream=Stream.REPORT)
    assert score.shape == (2,)


@BOTH
def test_a_recipe_holds_the_name_alone_and_makes_the_same(views: Views):
    settings = Settings(augment=views, search_augment=views)
    written = settings.to_json()
    assert written["augment"] == {"variant": views.variant}
    assert Settings.from_json(written) == settings
    assert views.fingerprint != Views().fingerprint
    assert views.random
    assert views.at_full_resolution


@pytest.mark.parametrize("variant", CUTOUTS)
@pytest.mark.parametrize("change", [{"hole": 0.25}, {"colour": False}])
def test_cutouts_have_no_other_parameter(variant: str, change: dict):
    with pytest.raises(
        InvalidInput, match=rf"Views.{next(iter(change))}: expected nothing, as the views of '{variant}' are as"
    ):
        Views(variant=variant, **change)  # pyright: ignore[reportArgumentType]


@BOTH
def test_one_seed_is_needed_for_each_picture(views: Views):
    with pytest.raises(InvalidInput, match="seeds: expected one for each of 2 rows, got 1 seeds"):
        views.seen(pictures(2), 8, seeds=[1], step=0, count=2)


def test_the_sizes_of_crops_are_clamped_gaussian_shares_of_the_side():
    side, count = 1000, 3000
    rows = torch.linspace(0, 1, side).view(1, side, 1).expand(3, side, side)  # a pixel says in which row it was
    u = torch.rand(count, 3, generator=torch.Generator().manual_seed(0))
    seen = crops(rows, u, range(count), 2, (0, 0))
    share = 2 * (seen[:, 0, 1, 0] - seen[:, 0, 0, 0])  # from the first pixel of a crop to that in its middle
    assert share.min() == pytest.approx(0.5, abs=2e-3)
    assert share.max() == pytest.approx(0.95, abs=2e-3)
    phi = [0.5 * (1 + math.erf((edge - 0.8) / 0.3 / math.sqrt(2))) for edge in (0.5, 0.95)]
    assert (share < 0.502).float().mean() == pytest.approx(phi[0], abs=0.02)  # normal_(mean=.8, std=.3).clip(.5, .95)
    assert (share > 0.948).float().mean() == pytest.approx(1 - phi[1], abs=0.02)


@given(st.floats(0, 0.9990234375, width=32), st.floats(0, 0.9990234375, width=32), st.floats(0, 0.9990234375, width=32))
def test_a_crop_is_a_square_inside_the_picture_at_its_nearest_pixels(size: float, top: float, left: float):
    picture = pictures(1, 20)[0]
    found = crops(picture, torch.tensor([[size, top, left]]), range(1), 8, (0, 0))
    gaussian = float(torch.special.ndtri(torch.tensor(size).double())) if size else -math.inf
    side = int(20 * min(0.95, max(0.5, 0.8 + 0.3 * gaussian)))
    y, x = (int(u * (20 - side + 1)) for u in (top, left))
    assert torch.equal(found, F.interpolate(picture[None, :, y : y + side, x : x + side], size=(8, 8)))


def test_crops_of_a_wide_picture_are_of_its_middle():
    wide = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    u = torch.rand(4, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(crops(wide, u, range(4), 8, (0, 0)), crops(wide[..., 5:25], u, range(4), 8, (0, 0)))


def test_where_nothing_happens_a_cutout_is_the_picture_pooled():
    picture = pictures(1, 24)[0]
    pooled = (F.adaptive_avg_pool2d(picture, 8) + F.adaptive_max_pool2d(picture, 8)) / 2
    torch.testing.assert_close(one(picture, 8), pooled, atol=1e-5, rtol=0)
    assert one(torch.rand(3, 24, 40), 8).shape == (3, 8, 8)  # the whole of it, squeezed


def dot(row: int, column: int, side: int = 41) -> Tensor:
    """A soft bright dot, so that its middle can be found between pixels."""
    axis = torch.arange(side).float()
    return torch.exp(-((axis[:, None] - row).square() + (axis - column).square()) / 8).expand(3, side, side)


def middle(picture: Tensor) -> tuple[float, float]:
    """Row and column of the dot's middle, from that of the picture, in [-1, 1]."""
    side = picture.shape[-1]
    axis = (2 * torch.arange(side) + 1) / side - 1
    mass = picture[0] / picture[0].sum()
    return float((mass.sum(dim=1) * axis).sum()), float((mass.sum(dim=0) * axis).sum())


def test_a_picture_is_shifted_by_up_to_a_tenth_of_its_side():
    right, down = 0.5 * (1 + 0.6), 0.5 * (1 - 1.0)  # 0.6 of the most to the right, all of it up
    y, x = middle(one(dot(20, 20), affine=0.0, right=right, down=down))
    assert (x, y) == (pytest.approx(2 * 0.1 * 0.6, abs=2e-3), pytest.approx(-2 * 0.1, abs=2e-3))


def test_a_picture_is_turned_about_its_middle_by_up_to_15_degrees():
    start = np.array(middle(dot(20, 30))[::-1])
    y, x = middle(one(dot(20, 30), affine=0.0, turn=1.0))
    angle = math.radians(15)
    expected = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ start
    np.testing.assert_allclose([x, y], expected, atol=3e-3)


def test_a_picture_is_sheared_along_its_rows_by_up_to_5_degrees():
    y, x = middle(one(dot(32, 20), affine=0.0, shear=1.0))
    before, _ = middle(dot(32, 20))
    assert y == pytest.approx(before, abs=2e-3)
    assert x == pytest.approx(math.tan(math.radians(5)) * before, abs=3e-3)


def test_a_corner_moves_inwards_by_up_to_seven_tenths_of_half_a_side():
    white = torch.ones(3, 40, 40)
    still = {f"corner{i}": 0.0 for i in range(8)}
    seen = one(white, aslant=0.0, **{**still, "corner0": 1.0, "corner1": 1.0})[0]
    assert seen[0, 0] == 0  # black where nothing of the picture is
    assert seen[:13, :13].diagonal().max() < 0.1  # the corner is at 0.7 of 20 pixels
    assert seen[15:39, 15:39].diagonal().min() > 0.9  # the opposite one is where it was
    torch.testing.assert_close(one(pictures(1)[0], aslant=0.0, **still), pictures(1)[0], atol=1e-4, rtol=0)
    shrunk = {f"corner{i}": 0.5 for i in range(8)}
    y, x = middle(one(dot(20, 30), aslant=0.0, **shrunk))
    assert x == pytest.approx(0.65 * middle(dot(20, 30))[1], abs=5e-3)  # all corners by half as much: a smaller picture
    assert y == pytest.approx(0.0, abs=2e-3)


def test_colours_change_by_up_to_a_tenth_and_the_hue_by_a_tenth_of_a_turn():
    picture = pictures(1)[0]
    grey = (torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1) * picture).sum(dim=0)
    torch.testing.assert_close(one(picture, colour=0.0, brightness=1.0), 1.1 * picture, atol=1e-5, rtol=0)
    expected = grey.mean() + 0.9 * (picture - grey.mean())
    torch.testing.assert_close(one(picture, colour=0.0, contrast=0.0), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(one(picture, colour=0.0, saturation=1.0), grey + 1.1 * (picture - grey), atol=1e-5, rtol=0)
    turned = one(picture, colour=0.0, hue=1.0)
    torch.testing.assert_close(turned.mean(dim=0), picture.mean(dim=0), atol=1e-5, rtol=0)  # greys stay
    before, after = (x - x.mean(dim=0) for x in (picture, turned))
    cosine = (before * after).sum(dim=0) / (before.norm(dim=0) * after.norm(dim=0))
    torch.testing.assert_close(cosine, torch.full_like(cosine, math.cos(0.2 * math.pi)), atol=1e-3, rtol=0)
    assert torch.equal(one(picture, brightness=1.0), one(picture))  # none where none is made


@given(st.floats(0, 0.999), st.floats(0, 0.999), st.booleans(), st.floats(0, 0.999), st.floats(0, 0.999))
def test_a_rectangle_of_a_tenth_to_four_tenths_is_erased(area: float, ratio: float, tall: bool, column: float, row: float):
    erased = {"erase": 0.0, "area": area, "ratio": ratio, "column": column, "row": row}
    black = one(torch.ones(3, 50, 50), **erased, longer=0.9 if tall else 0.1)[0] == 0
    height, width = int(black.any(dim=1).sum()), int(black.any(dim=0).sum())
    assert black.sum() == height * width  # one rectangle
    wanted = 0.1 + 0.3 * area
    assert height * width / 2500 == pytest.approx(wanted, abs=0.02) or max(height, width) == 50  # clipped at the sides
    shape = 1 + (1 / 0.3 - 1) * ratio if tall else 0.3 + 0.7 * ratio
    if max(height, width) < 50:
        assert height / width == pytest.approx(shape, rel=0.12)


def test_32_cutouts_are_erased_in_one_place():
    u = torch.rand(2 * BATCH, NUMBERS, generator=torch.Generator().manual_seed(2))
    u[:, [0, 5, 14]], u[:, 25] = NEVER, 0.0
    u[0, 19], u[BATCH, 19] = 0.0, NEVER
    seen = warped(torch.ones(3, 16, 16), u, range(2 * BATCH), 16, (0, 0))[:, 0] == 0
    assert seen[0].any()
    assert (seen[:BATCH] == seen[0]).all()
    assert not seen[BATCH:].any()
    part = warped(torch.ones(3, 16, 16), u, range(40)[20:], 16, (0, 0))[:, 0] == 0
    assert torch.equal(part, seen[20:40])


def test_noise_is_gaussian_of_a_random_strength_and_of_its_own_in_every_view():
    grey = torch.full((3, 40, 40), 0.5)
    u = numbers().repeat(3, 1)
    u[:, 25] = torch.tensor([0.0, 0.5, 1.0])
    noise = warped(grey, u, range(3), 40, (7, 9)) - 0.5
    assert noise.std(dim=(1, 2, 3)).tolist() == pytest.approx([0.0, 0.05, 0.1], abs=3e-3)
    assert torch.corrcoef(noise[1:].flatten(1))[0, 1].abs() < 0.05


def test_each_change_is_made_to_seven_tenths_of_the_cutouts():
    assert (cutouts.SHARE, cutouts.TURN, cutouts.SHEAR, cutouts.SHIFT) == (0.7, 15.0, 5.0, 0.1)  # RandomAffine
    assert (cutouts.DISTORTION, cutouts.COLOUR, cutouts.NOISE) == (0.7, 0.1, 0.1)  # RandomPerspective, ColorJitter, noise_fac
    assert (cutouts.ERASED, cutouts.RATIO, cutouts.BATCH) == ((0.1, 0.4), 0.3, 32)  # RandomErasing, same_on_batch; cutn
    assert (cutouts.SIZE_MEAN, cutouts.SIZE_SPREAD, cutouts.LEAST, cutouts.MOST) == (0.8, 0.3, 0.5, 0.95)  # Big Sleep
    u = torch.rand(4000, NUMBERS, generator=torch.Generator().manual_seed(1))
    u[:, 5], u[:, 14], u[:, 19], u[:, 25] = NEVER, NEVER, NEVER, 0.0
    seen = warped(torch.ones(3, 8, 8), u, range(4000), 8, (0, 0))
    assert (seen.flatten(1) < 0.999).any(dim=1).float().mean() == pytest.approx(0.7, abs=0.03)  # a move brings black in
