"""A one-step diffusion pipeline as a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_diffusion import load
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Free
from fusedream_sdk.testing import ToyScorer, check_generator
from tests.plugins.diffusion.conftest import SCHEDULE, make_pipeline, make_vae, save

diffusers: Any = pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_diffusion.generator import DiffusionGenerator  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # numpy of diffusers

PROMPTS = ["a red apple", "a blue dog"]


def drawn(generator: DiffusionGenerator, n: int = 2, seed: int = 0) -> dict[str, Tensor]:
    prompts = [PROMPTS[i % 2] for i in range(n)]
    return generator.sample(n, rng=torch.Generator().manual_seed(seed), prompts=prompts)


def own_pictures(kind: str, noise: Tensor, **parts: Any) -> Tensor:
    """What the pipeline of diffusers makes of the noise by itself."""
    pipeline = make_pipeline(kind, **parts)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(PROMPTS, num_inference_steps=1, guidance_scale=0.0, latents=noise.clone(), output_type="np")
    return torch.from_numpy(made.images).permute(0, 3, 1, 2)


def test_pictures_are_those_of_the_pipeline_itself(kind: str, folder: Path):
    generator = load(weights=folder)
    latents = drawn(generator)
    torch.testing.assert_close(generator(latents), own_pictures(kind, latents["noise"]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["EulerAncestralDiscreteScheduler", "LCMScheduler"])
def test_so_they_are_with_the_scheduler_of_sdxl_turbo_and_of_lcm(name: str, kind: str, tmp_path: Path):
    scheduler = getattr(diffusers, name)(**SCHEDULE)
    generator = load(weights=save(tmp_path / "other", kind, scheduler=scheduler))
    latents = drawn(generator)
    torch.testing.assert_close(generator(latents), own_pictures(kind, latents["noise"], scheduler=scheduler), atol=1e-4, rtol=0)


def test_so_they_are_with_a_tiny_decoder_and_with_one_that_states_its_latents_means(tmp_path: Path):
    wide = {"encoder_block_out_channels": (8, 8), "num_encoder_blocks": (1, 1)}
    tiny = diffusers.AutoencoderTiny(**wide, decoder_block_out_channels=(8, 8), num_decoder_blocks=(1, 1))
    stated = make_vae(latents_mean=[0.1, 0.2, 0.3, 0.4], latents_std=[1.0, 2.0, 0.5, 1.5])
    for name, vae in (("tiny", tiny), ("stated", stated)):
        generator = load(weights=save(tmp_path / name, "xl", vae=vae))
        latents = drawn(generator)
        torch.testing.assert_close(generator(latents), own_pictures("xl", latents["noise"], vae=vae), atol=1e-4, rtol=0)


def test_it_keeps_its_contract(folder: Path):
    check_generator(load(weights=folder))


def test_the_noise_is_free_and_the_prompt_is_frozen(kind: str, folder: Path):
    space = load(weights=folder).space
    assert isinstance(space["noise"].constraint, Free)
    assert space["noise"].shape == (4, 8, 8)
    assert not space["noise"].mixes
    assert {name for name, spec in space.items() if spec.frozen} == ({"text", "pooled"} if kind == "xl" else {"text"})


def test_the_picture_has_no_graph_to_weights(folder: Path):
    generator = load(weights=folder)
    latents = drawn(generator)
    latents["noise"].requires_grad_()
    generator(latents).sum().backward()
    assert all(x.grad is None for x in generator.pipeline.unet.parameters())


@pytest.mark.parametrize("saving", ["checkpoints", "tiles", "both"])
def test_saving_memory_leaves_picture_and_gradient(saving: Any, kind: str, folder: Path):
    plain, thrifty = load(weights=folder), load(weights=folder, saving=saving)
    latents = drawn(plain)

    def found(generator: DiffusionGenerator) -> tuple[Tensor, Tensor]:
        noise = latents["noise"].clone().requires_grad_()
        images = generator({**latents, "noise": noise})
        return images, torch.autograd.grad(images.square().sum(), noise)[0]

    for one, two in zip(found(plain), found(thrifty), strict=True):  # the picture is one tile
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)


def test_a_picture_larger_than_a_tile_keeps_its_gradient(folder: Path):
    generator = load(weights=folder, saving="both", size=(64, 64))
    latents = drawn(generator)
    latents["noise"].requires_grad_()
    images = generator(latents)
    assert images.shape == (2, 3, 64, 64)
    (gradient,) = torch.autograd.grad(images.square().sum(), latents["noise"])
    assert (gradient != 0).float().mean() > 0.9
    whole = load(weights=folder, size=(64, 64))(latents)
    assert 0 < (images - whole).abs().mean() < 0.1


def test_a_size_that_the_network_cannot_halve_is_refused(folder: Path):
    for size in ((16, 18), (0, 16), 16):
        with pytest.raises(InvalidInput, match=r"size: expected \(H, W\), multiples of 4 pixels"):
            load(weights=folder, size=size)  # pyright: ignore[reportArgumentType]


def test_half_formats_draw_nearly_the_same(folder: Path):
    plain, half = load(weights=folder), load(weights=folder, dtype="bfloat16")
    latents = drawn(plain)
    assert half(latents).dtype == torch.float32
    assert (half(latents) - plain(latents)).abs().mean() < 0.03


def test_a_decoder_that_overflows_is_kept_out_of_half_precision(folder: Path):
    generator = load(weights=folder)
    latent = generator.denoise(drawn(generator)).detach()
    with torch.autocast("cpu", dtype=torch.float16):
        torch.testing.assert_close(generator.decode(latent), generator.decode(latent.float()), rtol=0, atol=0)
    expected = generator.decode(latent)
    with torch.autocast("cpu", dtype=torch.float16):
        torch.testing.assert_close(generator.decode(latent), expected, rtol=0, atol=0)


def test_the_fingerprint_is_of_what_decides_the_picture(folder: Path, folders: dict[str, Path]):
    one = load(weights=folder).fingerprint
    assert load(weights=folder).fingerprint == one
    assert load(weights=folder, size=(32, 32)).fingerprint != one
    assert load(weights=folder, saving="tiles").fingerprint != one
    assert load(weights=folder, saving="checkpoints").fingerprint == one
    assert len({load(weights=path).fingerprint for path in folders.values()}) == 2


def test_prompts_and_rows_have_to_agree(folder: Path):
    with pytest.raises(InvalidInput, match="prompts: expected 3 of them, one for each row, got 2"):
        load(weights=folder).sample(3, rng=torch.Generator(), prompts=PROMPTS)


def test_reno_steers_the_noise_and_leaves_the_prompt(folder: Path):
    dream = fd.FuseDream(generator=load(weights=folder), scorer=ToyScorer(8), settings={"report_views": 4})
    states = list(dream.iterate("a red apple", method="reno", steps=4))
    assert not torch.equal(states[0].best.latents["noise"], states[-1].evaluation.latents["noise"])
    assert torch.equal(states[0].best.latents["text"], states[-1].best.latents["text"])
    assert states[-1].best.loss <= states[0].best.loss
