"""Small random pipelines of both kinds, saved as diffusers saves them."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_emoji import WEIGHTS

TEXT: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT |= {"vocab_size": 2304, "max_position_embeddings": 40, "bos_token_id": 2302, "eos_token_id": 2303, "pad_token_id": 2303}
SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
}
KINDS = ("sd", "xl")


def need_diffusers() -> Any:
    """The package; without the extra, what needs it is skipped."""
    return pytest.importorskip("diffusers")


def make_unet(kind: str, **changes: Any) -> Any:
    """Two levels of a few channels, with attention to the prompt."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    own: dict[str, Any] = {"cross_attention_dim": 16}
    if kind == "xl":
        own = {"cross_attention_dim": 32, "addition_embed_type": "text_time", "addition_time_embed_dim": 4}
        own |= {"projection_class_embeddings_input_dim": 12 + 6 * 4}
    return UNet2DConditionModel(
        sample_size=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        attention_head_dim=4,
        norm_num_groups=4,
        **{**own, **changes},
    )


def make_vae(**changes: Any) -> Any:
    """A decoder that doubles the side."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    kind: Any = AutoencoderKL
    return kind(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        sample_size=16,
        **changes,
    )


def make_pipeline(kind: str, **parts: Any) -> Any:
    """A pipeline with random weights, as its published kin are put together; others of its parts may be given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return put_together(kind, **parts)


def put_together(kind: str, *, scheduler: Any = None, unet: Any = None, vae: Any = None) -> Any:
    """The same with whatever diffusers warns of."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    torch.manual_seed(0)
    tokenizer: Any = CLIPTokenizer.from_pretrained(WEIGHTS / "scorer")
    parts: dict[str, Any] = {
        "unet": unet or make_unet(kind),
        "vae": vae or make_vae(),
        "tokenizer": tokenizer,
        "text_encoder": CLIPTextModel(CLIPTextConfig(**TEXT)),
        "scheduler": scheduler or EulerDiscreteScheduler(**SCHEDULE),
    }
    if kind == "sd":
        bare = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        return StableDiffusionPipeline(**parts, **bare)
    second = CLIPTextModelWithProjection(CLIPTextConfig(**TEXT, projection_dim=12))
    return StableDiffusionXLPipeline(**parts, text_encoder_2=second, tokenizer_2=tokenizer, add_watermarker=False)


def save(folder: Path, kind: str, **parts: Any) -> Path:
    """The folder of such a pipeline."""
    make_pipeline(kind, **parts).save_pretrained(folder)
    return folder


def change(path: Path, **values: Any) -> None:
    """Other values in a file of settings."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture(scope="session", autouse=True)
def quiet_saving() -> Iterator[None]:
    """No bars or remarks while the fixtures are made and saved."""
    need_diffusers()
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    yield
    logging.set_verbosity(before)
    logging.enable_progress_bar()


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds."""
    return request.param


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A pipeline of each kind. Read only."""
    place = tmp_path_factory.mktemp("diffusion")
    return {kind: save(place / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def folder(kind: str, folders: dict[str, Path]) -> Path:
    """A pipeline of the kind at hand. Read only."""
    return folders[kind]


@pytest.fixture
def copied(tmp_path: Path, folders: dict[str, Path]) -> Path:
    """A pipeline of Stable Diffusion that may be changed."""
    return Path(shutil.copytree(folders["sd"], tmp_path / "pipeline"))
