"""Loading through transformers: strictly, quietly, and never running code that comes with weights."""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors import SafetensorError
from transformers import AutoModel, AutoProcessor
from transformers.utils import logging

from fusedream_clip.processors import check_processor
from fusedream_clip.sizes import check_held, check_sizes
from fusedream_sdk.errors import FuseDreamError, InvalidInput, WeightsError
from fusedream_sdk.models.weights import refuse_programs
from fusedream_sdk.runtime.paths import user_path

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def load_pretrained(
    weights: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    processor: str | Path | None = None,
) -> tuple[Any, Any]:
    """Model (float32, frozen, eval mode, on the CPU) and processor of a repository id or a folder.

    Args:
        weights: where the model is.
        revision: branch, tag or commit of a repository id.
        cache_dir: where downloads are kept.
        processor: where the processor is, if it is not beside the model: a repository id or a folder.

    Raises:
        WeightsError: missing, damaged, incomplete, not a dual encoder, or not safe to load.
    """
    folder = user_path("weights", weights)
    if os.path.isfile(folder):  # unlike pathlib's, never raises
        refuse_programs(folder)
        expected = f"a repository id, or a folder with config.json and {WEIGHTS[0]}"
        fix = f"If it is of OpenCLIP, name its architecture: ViT-B-32:{folder}"
        raise InvalidInput("weights", expected=expected, got=f"the file {str(folder)!r}", fix=fix)
    if os.path.isdir(folder):
        check_folder(folder)
        if revision is not None:
            raise InvalidInput("revision", expected="None, as weights is a folder", got=revision)
        return read(str(folder), {}, processor, cache_dir)
    name, options = str(weights), {"revision": revision or "main", "cache_dir": cache_dir}
    try:
        config = try_to_load_from_cache(name, "config.json", **options)
        if isinstance(config, str):  # what is in the cache is used without asking the hub for anything newer
            return read(str(Path(config).parent), {}, processor, cache_dir)
    except (WeightsError, HFValidationError):  # not all of it is there: the hub says what is wrong, or completes it
        pass
    return read(name, options, processor, cache_dir)


def read(
    source: str, options: dict[str, Any], processor: str | Path | None = None, cache_dir: str | Path | None = None
) -> tuple[Any, Any]:
    """Model and processor of a folder or repository id; the processor may be elsewhere. Raises WeightsError."""
    folder = Path(source) if not options else None
    try:
        with quiet():
            if folder is not None:
                check_sizes(folder)
            model, report = AutoModel.from_pretrained(
                source,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # they are reported instead, and refused below
                output_loading_info=True,
                trust_remote_code=False,
                **options,
            )
            check_complete(model, report, source)
            held = folder or cached_folder(source, options)
            if held is not None:
                check_held(model, held)
            if processor is None:
                reader = AutoProcessor.from_pretrained(source, trust_remote_code=False, **options)
            else:
                reader = read_processor(str(processor), cache_dir)
            check_processor(reader, model, source)
    except FuseDreamError:
        raise
    except Exception as error:  # transformers, the hub's client and the readers each have their own
        raise WeightsError(explain(error, source)) from error
    return model.eval().requires_grad_(False), reader


def read_processor(source: str, cache_dir: str | Path | None = None) -> Any:
    """The processor of a folder or repository id. Raises WeightsError."""
    place = os.path.expanduser(source)
    options: dict[str, Any] = {"trust_remote_code": False, "cache_dir": cache_dir}
    try:
        with suppress(OSError, ValueError):  # what is in the cache is used without asking the hub for anything newer
            return AutoProcessor.from_pretrained(place, local_files_only=True, **options)
        return AutoProcessor.from_pretrained(place, **options)
    except Exception as error:  # as of `read`
        raise WeightsError(explain(error, source)) from error


def cached_folder(name: str, options: dict[str, Any]) -> Path | None:
    """Where the cache of the hub's client has a repository, if it does."""
    config = try_to_load_from_cache(name, "config.json", **options)
    return Path(config).parent if isinstance(config, str) else None


def check_folder(folder: Path) -> None:
    """A folder with a model in it."""
    names = {path.name for path in folder.iterdir()}
    if "config.json" not in names or not names.intersection(WEIGHTS):
        there = ", ".join(sorted(names)[:5]) or "nothing"
        raise WeightsError(
            f"weights: expected config.json and {WEIGHTS[0]} or {WEIGHTS[2]} in the folder {str(folder)!r}; it holds {there}."
        )


def check_complete(model: Any, report: dict[str, Any], source: str) -> None:
    """Both encoders there, and every weight of them found."""
    lacking = [name for name in ("get_text_features", "get_image_features") if not hasattr(model, name)]
    if lacking:
        raise WeightsError(
            f"weights: expected a dual encoder of texts and images, but {source!r} is a {type(model).__name__} "
            f"(without {lacking[0]})."
        )
    kind = type(model).__name__
    if report["missing_keys"]:
        names, others = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
        also = f" and has {len(others)} that are not its own (first: {others[0]!r})" if others else ""
        raise WeightsError(f"weights: {source!r} lacks {len(names)} entries of its {kind} (first: {names[0]!r}){also}.")
    if report["mismatched_keys"]:
        name, found, expected = sorted(report["mismatched_keys"])[0]
        raise WeightsError(
            f"weights: {source!r}: {name} of its {kind}: expected shape {tuple(expected)}, got {tuple(found)}. "
            f"Do config.json and the weights belong together?"
        )


def explain(error: Exception, source: str) -> str:
    """One sentence for what went wrong."""
    causes = list(chain(error))
    kinds = tuple(map(type, causes))
    text = " ".join(map(str, causes))
    first = re.split(r"(?<=[.!])\s", " ".join(str(error).split()) or kinds[0].__name__)[0].rstrip(".")
    if any(issubclass(kind, pickle.UnpicklingError) for kind in kinds):
        refused = re.search(r"(?:GLOBAL|function) ([\w.]+)", text)
        if refused is None:  # nothing in it is an object that --trust could leave out
            return f"weights: {source!r}: expected tensors alone, but it holds something else, or is damaged. Get it again."
        return (
            f"weights: {source!r}: expected tensors alone, but the file wants to run {refused[1]!r}, which was refused. "
            f"Ask for {WEIGHTS[0]}; or, if you trust its source, write that into the folder: "
            f"fusedream convert {WEIGHTS[2]} {WEIGHTS[0]} --trust"
        )
    if "trust_remote_code" in text:
        return f"weights: {source!r} wants to run code that comes with it, which was refused. Use a model of transformers' own."
    if any(issubclass(kind, (LocalEntryNotFoundError, OfflineModeIsEnabled)) for kind in kinds):
        return f"weights: {source!r} is neither a folder nor in the cache, and the hub cannot be reached."
    if any(issubclass(kind, HFValidationError) for kind in kinds):
        return f"weights: {source!r} is neither a folder nor a repository id such as owner/name."
    if any(issubclass(kind, (SafetensorError, EOFError)) for kind in kinds) or "PytorchStreamReader" in text:
        return f"weights: {source!r} is damaged or cut short ({first}). Download it again."
    return f"weights: cannot load {source!r} as a dual encoder of transformers: {first}."


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def quiet() -> Iterator[None]:
    """No remarks, warnings or bars of transformers while it loads; bars of downloads stay."""
    verbosity = logging.get_verbosity()
    previous = logging.set_tqdm_hook(lambda factory, args, kwargs: factory(*args, **{**kwargs, "disable": True}))
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        logging.set_tqdm_hook(previous)
