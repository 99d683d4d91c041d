"""Dual encoders of OpenCLIP as FuseDream scorers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_openclip.scorer import OpenClipScorer
    from fusedream_sdk.models.sources import Sources

__all__ = ["load"]

DEFAULT = "ViT-B-32:laion2b_s34b_b79k"


def load(
    *,
    weights: str = DEFAULT,
    device: str | torch.device = "cpu",
    long_prompts: Literal["warn", "split", "error"] = "warn",
    cache_dir: str | Path | None = None,
) -> OpenClipScorer:
    """Load a dual encoder of OpenCLIP.

    Args:
        weights: an architecture of `open_clip.list_models()` and, after a colon, one of its tags
            (`ViT-B-32:laion2b_s34b_b79k`), which is downloaded once, or a .safetensors, .pt or .bin file.
        device: where it runs.
        long_prompts: what to do with a prompt that is longer than the model's window: "warn" drops the last words and
            says which, "split" averages the embeddings of several windows, "error" refuses it.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: weights that are missing, damaged, of another architecture, or not safe to load.
        PluginImportError: the extra `openclip` is not installed.
    """
    require("open_clip")
    from fusedream_openclip.loading import load_checkpoint
    from fusedream_openclip.scorer import OpenClipScorer

    model, tokenizer = load_checkpoint(weights, cache_dir=cache_dir)
    return OpenClipScorer(model, tokenizer, long_prompts=long_prompts, source=weights).to(device)


def cached(weights: str) -> bool:
    """Whether the file of `architecture:tag` is in the cache, so that nothing need be fetched."""
    require("open_clip")
    from fusedream_openclip.loading import is_cached

    return is_cached(weights)


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`. Raises InvalidInput: no such tag, or no repository."""
    require("open_clip")
    from fusedream_openclip.loading import hub_files
    from fusedream_sdk.models.sources import Sources

    weights = str(options["weights"])
    return Sources((hub_files(weights, options.get("cache_dir")),), f"{weights.partition(':')[0]}:{{file}}")


def require(module: str) -> None:
    """Say what to install if a module is not there: the package's name is not that of its module."""
    from fusedream_sdk.models import missing

    missing.require("scorers: OpenCLIP needs the module", "openclip", module)
