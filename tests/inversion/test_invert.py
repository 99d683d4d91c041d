"""The latent of a given picture, found by toy generators."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion import invert as inversion
from fusedream_sdk.inversion.invert import invert
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.latents import Latents, LatentSpec, contains
from fusedream_sdk.protocols import Evaluation
from fusedream_sdk.testing import ToyGenerator, random_latents
from tests.inversion.toys import QUICK, TOY, distance, drawn, found


def test_a_picture_of_the_generator_is_found_again():
    inversion = found(drawn(3))
    assert (inversion.psnr > 35).all()
    assert (inversion.perceptual < 0.02).all()
    assert inversion.status == ("done",) * 3


def test_the_latents_draw_the_pictures_found_and_keep_the_constraints():
    inversion = found(drawn())
    with torch.no_grad():
        torch.testing.assert_close(TOY(inversion.latents), inversion.images)
    assert contains(inversion.latents, TOY.space)


def test_what_is_reported_is_measured_on_the_pictures():
    inversion = found(drawn())
    error = (inversion.images - inversion.targets).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(inversion.psnr, -10 * error.log10())
    torch.testing.assert_close(inversion.perceptual, distance(inversion.images, inversion.targets))


def test_the_first_steps_and_the_descent_improve_on_the_candidates():
    one_step = InversionSettings(steps=1, candidates=32, starts=1, lr=1e-9)
    begun = found(drawn(), settings=one_step)
    assert (found(drawn()).psnr > begun.psnr + 5).all()
    fewer = found(drawn(), settings=InversionSettings(steps=1, candidates=1, starts=1, lr=1e-9))
    assert begun.psnr.mean() > fewer.psnr.mean()


def test_a_picture_alone_gives_the_row_that_it_has_among_others():
    pictures = drawn(3)
    together, alone = found(pictures), found(pictures[1:2])
    for name in TOY.space:
        torch.testing.assert_close(together.latents[name][1:2], alone.latents[name], atol=1e-4, rtol=0)


def test_chunks_of_one_row_find_the_same():
    whole, chunked = found(drawn()), invert(TOY, drawn(), perceptual=distance, settings=QUICK, budget=1.0)
    torch.testing.assert_close(chunked.images, whole.images, atol=1e-3, rtol=0)
    assert chunked.history["likeness"].shape == (QUICK.steps + 1, 2)


def test_the_same_seed_gives_the_same_and_another_seed_other_candidates():
    first, again = found(drawn()), found(drawn())
    assert torch.equal(first.images, again.images)
    begun = [found(drawn(), settings=InversionSettings(steps=1, lr=1e-9, starts=1, seed=s)).images for s in (0, 1)]
    assert not torch.equal(*begun)


class Encoding(ToyGenerator):
    """Knows the latents of one picture."""

    known = random_latents(TOY, 1, 123)

    def encode(self, images: Tensor) -> Latents:
        assert images.shape[1:] == (3, 32, 32)
        return {name: x.expand(len(images), *x.shape[1:]) for name, x in self.known.items()}


def test_the_generators_own_encoding_is_one_of_the_starts():
    settings = InversionSettings(steps=1, candidates=4, starts=2, trial=1, lr=1e-9)
    assert (found(drawn(1), Encoding(32), settings).psnr > 60).all()
    assert (found(drawn(1), settings=settings).psnr < 40).all()


def test_an_encoding_outside_the_constraints_is_put_back():
    class Far(Encoding):
        known = {name: x + 9 for name, x in Encoding.known.items()}  # noqa: RUF012

    assert contains(found(drawn(1), Far(32)).latents, TOY.space)


def test_a_frozen_condition_is_left_alone():
    class Conditioned(ToyGenerator):
        space = {**ToyGenerator.space, "ground": LatentSpec((1,), frozen=True)}  # noqa: RUF012

        def sample(self, n: int, *, rng: torch.Generator, prompts: tuple[str, ...] = ()) -> Latents:
            assert list(prompts) == [""] * n
            return {**super().sample(n, rng=rng), "ground": torch.full((n, 1), 7.0)}

    assert (found(drawn(), Conditioned(32)).latents["ground"] == 7).all()


def test_given_starts_are_taken_in_place_of_draws():
    exact = {name: x.unsqueeze(1) for name, x in random_latents(TOY, 2, 123).items()}
    settings = InversionSettings(steps=1, lr=1e-9)
    assert (invert(TOY, drawn(), perceptual=distance, settings=settings, starts=exact).psnr > 60).all()


@pytest.mark.parametrize("weights", [{"pixels": 0.0}, {"perceptual": 0.0}])
def test_either_part_of_the_loss_alone_will_do(weights: dict[str, float]):
    settings = InversionSettings(steps=60, candidates=32, lr=0.1, **weights)  # pyright: ignore[reportArgumentType]
    assert (found(drawn(), settings=settings).psnr > 28).all()


@pytest.mark.parametrize("call", [0, 5, 14, 15, 30])
def test_ctrl_c_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch, call: int):
    calls: list[int] = []

    class Interrupted(inversion.Likeness):
        def __call__(self, latents: Latents, *, step: int) -> Evaluation:
            calls.append(step)
            if torch.is_grad_enabled() and len(calls) >= call + 5:  # after 4 batches of candidates
                raise KeyboardInterrupt
            return super().__call__(latents, step=step)

    monkeypatch.setattr(inversion, "Likeness", Interrupted)
    monkeypatch.setattr(
        Interrupted,
        "of",
        lambda self, index: Interrupted(self.generator, self.targets[torch.tensor(index)], self.perceptual, self.settings),
    )
    monkeypatch.setattr(inversion, "rows_that_fit", lambda *_: 4)
    stopped = found(drawn())
    assert stopped.status == ("cancelled",)  # the second picture had not begun
    begun = found(drawn(), settings=InversionSettings(steps=1, candidates=1, starts=1, lr=1e-9))
    assert stopped.psnr[0] > begun.psnr[0]


def test_ctrl_c_before_anything_was_compared_is_raised():
    def interrupted(a: Tensor, b: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invert(TOY, drawn(), perceptual=interrupted, settings=QUICK)


def test_a_file_an_image_and_a_tensor_are_read(tmp_path: Path):
    image = Image.new("RGB", (32, 32), (255, 0, 0))
    image.save(tmp_path / "a.png")
    plain = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 32, 32)
    settings = InversionSettings(steps=1, candidates=1, starts=1)
    for picture in (tmp_path / "a.png", str(tmp_path / "a.png"), image, plain):
        assert torch.equal(invert(TOY, picture, perceptual=distance, settings=settings).targets[0], plain)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "pictures: expected at least one picture"),
        (7, r"pictures: expected a picture of shape \(3, H, W\), got int"),
        ([torch.zeros(3, 32, 32), "no.png"], r"pictures\[1\]: expected an existing picture, got no.png"),
        (torch.zeros(2, 3, 32, 32), r"pictures: expected a picture of shape \(3, H, W\), got \(2, 3, 32, 32\)"),
    ],
)
def test_pictures_that_cannot_be_used_are_refused(pictures: object, message: str):
    with pytest.raises(InvalidInput, match=message):
        invert(TOY, pictures, perceptual=distance)  # pyright: ignore[reportArgumentType]
