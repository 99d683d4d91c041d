"""From an architecture and a tag or a file to a model of OpenCLIP: strictly, quietly, and never running code from a file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from huggingface_hub import try_to_load_from_cache
from open_clip import factory, pretrained
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from torch import Tensor

from fusedream_sdk.errors import FuseDreamError, InvalidInput, WeightsError, did_you_mean
from fusedream_sdk.models.sources import HubFiles
from fusedream_sdk.models.weights import check_tensors, first_line, read_tensors
from fusedream_sdk.runtime.paths import user_path

EXAMPLE = "ViT-B-32:laion2b_s34b_b79k"
ADVICE = "Is the architecture the one that was trained?"
WRAPPER = "module."  # what torch's distributed training puts before every name


@dataclass(frozen=True)
class OpenClip:
    """A model (float32, frozen, eval mode, on the CPU) and what else decides its embeddings.

    Attributes:
        model: of the package open_clip.
        architecture: its name there.
        config: of that architecture, as it was built.
        mean, std: of the channels of the images that it was trained on.
    """

    model: Any
    architecture: str
    config: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def load_checkpoint(weights: str, *, cache_dir: str | Path | None = None) -> tuple[OpenClip, Any]:
    """The model and the tokenizer of `architecture:tag` or `architecture:file`.

    Raises:
        InvalidInput: no such architecture or tag.
        WeightsError: a file that is missing, damaged, of another architecture, or not safe to load; no network.
    """
    architecture, source = check_name(weights)
    file = user_path("weights", source)
    images = statistics(architecture) if os.path.isfile(file) else tag_of(architecture, source)
    cache = None if cache_dir is None else str(cache_dir)
    try:
        with quiet():
            path = file if os.path.isfile(file) else Path(pretrained.download_pretrained(images, cache_dir=cache))
            gelu = bool(images.get("quick_gelu"))  # a tag says it for the architecture, which OpenCLIP leaves as it is
            model = open_clip.create_model(architecture, pretrained_text=False, force_quick_gelu=gelu, cache_dir=cache)
            tokenizer = open_clip.get_tokenizer(architecture, cache_dir=cache)
    except Exception as error:  # the hub's client, transformers and OpenCLIP each have their own
        reason = first_line(error).rstrip(".")
        raise WeightsError(f"weights: {weights!r} is not all in the cache, and cannot be had: {reason}.") from error
    fill(model, path, architecture)
    config: dict[str, Any] = open_clip.get_model_config(architecture) or {}
    config |= {"quick_gelu": True} if gelu else {}
    model.eval().requires_grad_(False)
    return OpenClip(model, architecture, config, tuple(images["mean"]), tuple(images["std"])), tokenizer


def is_cached(weights: str) -> bool:
    """Whether the file of `architecture:tag` is there already. Raises InvalidInput for no such architecture or tag."""
    architecture, tag = check_name(weights)
    about = tag_of(architecture, tag)
    repository, _, file = str(about.get("hf_hub") or "").rpartition("/")
    names = [file] if file else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    if repository:
        return any(isinstance(try_to_load_from_cache(repository, name), str) for name in names)
    return bool(about.get("url")) and (Path("~/.cache/clip").expanduser() / str(about["url"]).rpartition("/")[2]).is_file()


def hub_files(weights: str, cache_dir: str | Path | None) -> HubFiles:
    """The file of `architecture:tag` in its repository. Raises InvalidInput for no such tag, or one that lies elsewhere."""
    about = tag_of(*check_name(weights))
    repository, _, file = str(about.get("hf_hub") or "").rpartition("/")
    if not repository:
        fix = "OpenCLIP fetches and checks it by itself, when it is first used."
        raise InvalidInput("weights", expected="a tag with a repository of the hub", got=repr(weights), fix=fix)
    names = [file] if file else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    return HubFiles(repository, tuple((name,) for name in names), cache_dir=cache_dir)


def check_name(weights: Any) -> tuple[str, str]:
    """Architecture and tag or file. Raises InvalidInput."""
    architecture, colon, source = weights.partition(":") if isinstance(weights, str) else ("", "", "")
    if not (architecture and colon and source):
        expected = f"an architecture and a tag or a file, such as {EXAMPLE!r}"
        raise InvalidInput("weights", expected=expected, got=weights)
    if open_clip.get_model_config(architecture) is None:
        fix = did_you_mean(architecture, open_clip.list_models()) or "See open_clip.list_models()."
        raise InvalidInput("weights", expected="an architecture of OpenCLIP", got=repr(architecture), fix=fix)
    return architecture, source


def tag_of(architecture: str, tag: str) -> dict[str, Any]:
    """What OpenCLIP knows of trained weights. Raises InvalidInput, or WeightsError for what looks like a file."""
    known = open_clip.get_pretrained_cfg(architecture, tag)
    if known:
        return known
    if any(mark in tag for mark in "/\\.~"):
        raise WeightsError(f"weights: there is no file {tag!r}.")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    expected = f"a file, or one of {architecture}'s tags {', '.join(tags)}" if tags else "a file, as there are no tags of it"
    raise InvalidInput("weights", expected=expected, got=repr(tag))


def statistics(architecture: str) -> dict[str, Any]:
    """Mean and deviation for a file, which does not state them: what all tags of the architecture share, or OpenAI's."""
    tags = [open_clip.get_pretrained_cfg(architecture, t) for t in open_clip.list_pretrained_tags_by_model(architecture)]
    found = {(tuple(tag["mean"]), tuple(tag["std"])) for tag in tags}
    usual = (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    mean, std = found.pop() if len(found) == 1 else usual
    return {"mean": mean, "std": std}


def fill(model: Any, path: Path, architecture: str) -> None:
    """Load a file into a model, every entry and none besides. Raises WeightsError."""
    found = {name.removeprefix(WRAPPER): value for name, value in read_tensors(path, within="state_dict").items()}
    try:
        tensors = in_todays_names(model, found)
    except FuseDreamError:
        raise
    except Exception as error:  # what another architecture's names and shapes set off in OpenCLIP's conversions
        raise WeightsError(f"{path}: the entries are not those of {architecture}: {first_line(error)}. {ADVICE}") from error
    check_tensors(model.state_dict(), tensors, path, model=architecture, advice=ADVICE)
    model.load_state_dict(tensors, strict=True)


def in_todays_names(model: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Entries as the model has them, of files that OpenCLIP's older versions and other projects wrote."""
    tensors = factory.convert_state_dict(model, tensors)
    if "positional_embedding" in tensors and not hasattr(model, "positional_embedding"):
        tensors = factory.convert_to_custom_text_state_dict(tensors)
    wanted = model.state_dict()
    for name in ("logit_scale", "logit_bias"):  # a number, or a vector of one; no embedding depends on it
        if name in wanted:
            stored = tensors.get(name)
            tensors[name] = wanted[name] if stored is None else stored.reshape(wanted[name].shape)
    return {name: x for name, x in tensors.items() if name in wanted or not name.endswith("embeddings.position_ids")}


@contextmanager
def quiet() -> Iterator[None]:
    """No remarks while OpenCLIP loads: it writes them to the root logger, and sets that up if nobody has."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
