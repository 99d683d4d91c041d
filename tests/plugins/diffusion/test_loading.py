"""From the folder of a pipeline to its parts."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fusedream_sdk.errors import InvalidInput, WeightsError
from tests.plugins.diffusion.conftest import SCHEDULE, change, make_unet, make_vae, save

pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_diffusion.loading import load_pipeline


def unet_file(folder: Path) -> Path:
    return folder / "unet" / "diffusion_pytorch_model.safetensors"


def test_parts_are_frozen_and_calm_and_hold_the_files_weights(folder: Path, kind: str):
    pipeline = load_pipeline(folder)
    assert pipeline.xl is (kind == "xl")
    assert len(pipeline.encoders) == (2 if kind == "xl" else 1)
    for part in (pipeline.unet, pipeline.vae, *(model for _, model in pipeline.encoders)):
        assert not part.training
        assert not any(x.requires_grad for x in part.parameters())
        assert {x.dtype for x in part.parameters()} == {torch.float32}
    torch.testing.assert_close(pipeline.unet.state_dict(), load_file(unet_file(folder)), rtol=0, atol=0)


def test_loading_warns_of_nothing_and_leaves_the_random_state(folder: Path):
    before = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_pipeline(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_half_precision_spares_a_decoder_that_would_overflow(tmp_path: Path, copied: Path):
    pipeline = load_pipeline(copied, dtype="float16")
    assert {x.dtype for x in pipeline.unet.parameters()} == {torch.float16}
    assert {x.dtype for x in pipeline.vae.parameters()} == {torch.float32}  # force_upcast, the default of AutoencoderKL
    calm = save(tmp_path / "calm", "sd", vae=make_vae(force_upcast=False))
    assert {x.dtype for x in load_pipeline(calm, dtype="float16").vae.parameters()} == {torch.float16}


def test_files_of_half_precision_alone_are_found(copied: Path):
    for file in copied.rglob("*.safetensors"):
        save_file({n: x.half() for n, x in load_file(file).items()}, file.with_suffix(".fp16.safetensors"), {"format": "pt"})
        file.unlink()
    pipeline = load_pipeline(copied)
    assert {x.dtype for x in pipeline.unet.parameters()} == {torch.float32}


def test_weights_in_several_files_are_read_together(copied: Path):
    file = unet_file(copied)
    whole = load_file(file)
    names = sorted(whole)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for name, kept in parts.items():
        save_file({key: whole[key] for key in kept}, file.with_name(name), {"format": "pt"})
    index = {"weight_map": {key: name for name, kept in parts.items() for key in kept}}
    file.with_name(f"{file.name}.index.json").write_text(json.dumps(index))
    file.unlink()
    torch.testing.assert_close(load_pipeline(copied).unet.state_dict(), whole, rtol=0, atol=0)


def test_an_unknown_format_is_refused(folder: Path):
    with pytest.raises(InvalidInput, match="dtype: expected one of"):
        load_pipeline(folder, dtype="int8")


def test_a_missing_weight_and_a_missing_file_are_named(copied: Path):
    file = unet_file(copied)
    tensors = load_file(file)
    tensors.pop("conv_in.weight")
    save_file(tensors, file)
    with pytest.raises(WeightsError, match=r"1 missing \(first: 'conv_in.weight'\)"):
        load_pipeline(copied)
    file.unlink()
    with pytest.raises(
        WeightsError, match=r"expected diffusion_pytorch_model.safetensors in the folder .*; it holds config.json"
    ):
        load_pipeline(copied)


def test_a_file_that_is_cut_short_is_said_to_be_damaged(copied: Path):
    file = unet_file(copied)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="damaged or cut short"):
        load_pipeline(copied)


def test_a_text_encoder_that_lacks_weights_is_refused(copied: Path):
    file = copied / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(WeightsError, match="the entries are not those of CLIPTextModel"):
        load_pipeline(copied)


def test_a_scheduler_or_network_that_is_none_is_named(copied: Path):
    change(copied / "scheduler" / "scheduler_config.json", _class_name="StableDiffusionPipeline")
    with pytest.raises(WeightsError, match="expected a scheduler of diffusers, got 'StableDiffusionPipeline'"):
        load_pipeline(copied)
    change(copied / "scheduler" / "scheduler_config.json", _class_name="EulerDiscreteScheduler")
    change(copied / "unet" / "config.json", _class_name="FluxTransformer2DModel")
    with pytest.raises(WeightsError, match="expected UNet2DConditionModel, got 'FluxTransformer2DModel'"):
        load_pipeline(copied)
    change(copied / "unet" / "config.json", _class_name="UNet2DConditionModel", block_out_channels="many")
    with pytest.raises(WeightsError, match="does not describe a UNet2DConditionModel"):
        load_pipeline(copied)


def test_a_pipeline_of_many_steps_is_refused_unless_its_user_knows_better(copied: Path):
    change(copied / "scheduler" / "scheduler_config.json", **{**SCHEDULE, "timestep_spacing": "leading"})
    with pytest.raises(WeightsError, match="it needs many steps"):
        load_pipeline(copied)
    assert load_pipeline(copied, trusted=True).step.timestep == 999


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_cond_proj_dim": 4}, "a strength of guidance"),
        ({"in_channels": 9}, "9 channels in, 4 out, 4 decoded: not of text to image"),
        ({"cross_attention_dim": 20}, "text encoders of 20 numbers for each token, as the network reads, got 16"),
    ],
)
def test_parts_that_need_or_lack_something_are_refused(changes: dict[str, int], message: str, tmp_path: Path):
    folder = save(tmp_path / "other", "sd", unet=make_unet("sd", **changes))
    with pytest.raises(WeightsError, match=message):
        load_pipeline(folder)


def test_a_network_of_the_other_kind_is_refused(copied: Path, folders: dict[str, Path]):
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        (copied / "unet" / name).write_bytes((folders["xl"] / "unet" / name).read_bytes())
    with pytest.raises(WeightsError, match="a pipeline of another kind than the network in unet"):
        load_pipeline(copied)


def test_a_tokenizer_that_is_missing_is_named(copied: Path):
    for file in (copied / "tokenizer").iterdir():
        file.unlink()
    (copied / "tokenizer").rmdir()
    with pytest.raises(WeightsError, match="expected a tokenizer of CLIP in the folder"):
        load_pipeline(copied)
