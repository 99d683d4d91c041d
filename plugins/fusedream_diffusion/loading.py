"""From the folder of a pipeline to its parts: strictly, quietly, and never running code that comes with weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils import logging as diffusers_logging
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from fusedream_diffusion.files import ENCODERS, INDEX, NETWORKS, XL, is_there, read_index, read_json, weights_of
from fusedream_diffusion.step import OneStep, one_step
from fusedream_sdk.errors import FuseDreamError, InvalidInput, WeightsError
from fusedream_sdk.models.weights import as_float32, check_tensors, first_line, read_stored
from fusedream_sdk.runtime.device import DTYPES

ADVICE = "Do the configuration and the weights belong together?"
KINDS = {
    "unet": (UNet2DConditionModel,),
    "vae": (AutoencoderKL, AutoencoderTiny),
    "text_encoder": (CLIPTextModel,),
    "text_encoder_2": (CLIPTextModelWithProjection,),
}
TOKENIZER_OF = {"text_encoder": "tokenizer", "text_encoder_2": "tokenizer_2"}


@dataclass(frozen=True)
class Pipeline:
    """The parts of a one-step pipeline: frozen, in eval mode, on the CPU.

    Attributes:
        unet, vae: of diffusers.
        encoders: text encoders with their tokenizers: one, or two of an XL pipeline.
        step: what its scheduler does to the noise.
        xl: whether it is a Stable Diffusion XL.
        dtype: number format of the weights; the decoder is kept in float32 where half precision would overflow in it.
    """

    unet: Any
    vae: Any
    encoders: tuple[tuple[Any, Any], ...]
    step: OneStep
    xl: bool
    dtype: torch.dtype


def load_pipeline(folder: Path, *, dtype: str = "float32", variant: str = "", trusted: bool = False) -> Pipeline:
    """The parts of a pipeline.

    Args:
        folder: with model_index.json.
        dtype: name of the number format of the weights.
        variant: of the files that are preferred; see `weights_of`.
        trusted: take it for a pipeline of one step; see `one_step`.

    Raises:
        InvalidInput: no such format.
        WeightsError: files that are missing, damaged or of another architecture; a pipeline that needs many steps.
    """
    if dtype not in DTYPES:
        raise InvalidInput("dtype", expected=f"one of {sorted(DTYPES)}", got=dtype)
    format, index = DTYPES[dtype], read_index(folder)
    xl = index["_class_name"] == XL
    with quiet():
        step = one_step(read_scheduler(folder), trusted=trusted)  # before the large files
        parts = [part for part in ENCODERS if is_there(index, part)]
        if not parts or (xl and parts[-1] != "text_encoder_2"):
            raise WeightsError(f"weights: expected a text encoder in the pipeline, but {folder / INDEX} names none.")
        encoders = tuple(
            (read_tokenizer(folder / TOKENIZER_OF[p]), read_encoder(folder / p, p, format, variant)) for p in parts
        )
        unet = read_network(folder / "unet", "unet", format, variant)
        vae = read_network(folder / "vae", "vae", format, variant)
    check_fit(unet, vae, encoders, xl=xl)
    return Pipeline(unet, vae, encoders, step, xl, format)


def read_scheduler(folder: Path) -> Any:
    """The scheduler, one of diffusers' own. Raises WeightsError."""
    path = folder / "scheduler" / "scheduler_config.json"
    config = read_json(path)
    kind = getattr(diffusers, str(config.get("_class_name")), None)
    if not (isinstance(kind, type) and issubclass(kind, SchedulerMixin)):
        raise WeightsError(f"{path}: expected a scheduler of diffusers, got {config.get('_class_name')!r}.")
    return built(kind, config, path)


def read_network(folder: Path, part: str, dtype: torch.dtype, variant: str) -> Any:
    """A network of diffusers with every entry of its files and none besides. Raises WeightsError."""
    config = read_json(folder / "config.json")
    known = {kind.__name__: kind for kind in KINDS[part]}
    kind = known.get(str(config.get("_class_name")))
    if kind is None:
        got = repr(config.get("_class_name"))
        raise WeightsError(f"{folder / 'config.json'}: expected {' or '.join(known)}, got {got}.")
    with torch.device("meta"):  # without drawing weights that are overwritten
        network = built(kind, config, folder / "config.json")
    if dtype == torch.float16 and part == "vae" and network.config.get("force_upcast"):
        dtype = torch.float32
    paths = found_weights(folder, NETWORKS[part], variant)
    tensors = {name: cast(x, dtype, name, path) for path in paths for name, x in read_stored(path).items()}
    check_tensors(network.state_dict(), tensors, paths[0], model=kind.__name__, advice=ADVICE)
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def read_encoder(folder: Path, part: str, dtype: torch.dtype, variant: str) -> Any:
    """A text encoder of transformers with every weight found. Raises WeightsError."""
    path = found_weights(folder, ENCODERS[part], variant)[0]
    plain = "" if ".fp16." not in path.name else "fp16"
    kind = KINDS[part][0]
    try:
        model, report = kind.from_pretrained(
            folder, dtype=dtype, variant=plain or None, use_safetensors=True, output_loading_info=True, local_files_only=True
        )
    except Exception as error:  # transformers and the reader each have their own
        raise WeightsError(f"{path}: cannot be loaded as a {kind.__name__}: {first_line(error).rstrip('.')}.") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        name = sorted(map(str, report["missing_keys"] or report["mismatched_keys"]))[0]
        raise WeightsError(f"{path}: the entries are not those of {kind.__name__} (first: {name}). {ADVICE}")
    return model.eval().requires_grad_(False)


def read_tokenizer(folder: Path) -> Any:
    """A tokenizer of CLIP. Raises WeightsError."""
    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise WeightsError(
            f"weights: expected a tokenizer of CLIP in the folder {str(folder)!r}: {first_line(error)}."
        ) from error


def found_weights(folder: Path, stem: str, variant: str) -> list[Path]:
    """The files of a part. Raises WeightsError where there are none."""
    paths = weights_of(folder, stem, variant)
    if not paths:
        there = ", ".join(sorted(x.name for x in folder.iterdir())[:5]) if folder.is_dir() else "nothing"
        raise WeightsError(
            f"weights: expected {stem}.safetensors in the folder {str(folder)!r}; it holds {there or 'nothing'}."
        )
    return paths


def cast(x: Tensor, dtype: torch.dtype, name: str, path: Path) -> Tensor:
    """A tensor of a file in the format of the network."""
    return as_float32(x, name, path) if dtype == torch.float32 else x.to(dtype) if x.is_floating_point() else x


def built(kind: Any, config: dict[str, Any], path: Path) -> Any:
    """What a configuration describes. Raises WeightsError."""
    try:
        return kind.from_config(config)
    except FuseDreamError:
        raise
    except Exception as error:  # whatever a wrong configuration sets off
        raise WeightsError(f"{path}: does not describe a {kind.__name__}: {first_line(error)}.") from error


def check_fit(unet: Any, vae: Any, encoders: tuple[tuple[Any, Any], ...], *, xl: bool) -> None:
    """The parts belong together and need nothing else. Raises WeightsError."""
    width = sum(model.config.hidden_size for _, model in encoders)
    if unet.config.in_channels != unet.config.out_channels or unet.config.in_channels != vae.config.latent_channels:
        got = f"{unet.config.in_channels} channels in, {unet.config.out_channels} out, {vae.config.latent_channels} decoded"
        raise WeightsError(f"weights: expected a network from noise to the decoder's latent, got {got}: not of text to image.")
    if unet.config.get("time_cond_proj_dim") is not None:
        raise WeightsError("weights: expected a network without a strength of guidance, got one that is told it, as of LCM.")
    if (unet.config.get("addition_embed_type") == "text_time") is not xl:
        raise WeightsError("weights: model_index.json names a pipeline of another kind than the network in unet.")
    if isinstance(unet.config.cross_attention_dim, int) and unet.config.cross_attention_dim != width:
        expected = f"text encoders of {unet.config.cross_attention_dim} numbers for each token"
        raise WeightsError(f"weights: expected {expected}, as the network reads, got {width}.")


@contextmanager
def quiet() -> Iterator[None]:
    """No remarks, warnings or bars of diffusers and transformers while they load."""
    loggers = (diffusers_logging, transformers_logging)
    before = [logger.get_verbosity() for logger in loggers]
    previous = transformers_logging.set_tqdm_hook(lambda make, args, kwargs: make(*args, **{**kwargs, "disable": True}))
    for logger in loggers:
        logger.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_tqdm_hook(previous)
        for logger, verbosity in zip(loggers, before, strict=True):
            logger.set_verbosity(verbosity)
