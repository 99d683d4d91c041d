"""Dual encoders of transformers (CLIP, SigLIP, Chinese-CLIP ...) as FuseDream scorers and perceptual distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_clip.features import ClipFeatures
    from fusedream_clip.scorer import ClipScorer
    from fusedream_sdk.models.sources import HubFiles, Sources

__all__ = ["load", "load_features"]

DEFAULT = "openai/clip-vit-base-patch32"
WEIGHTS = (
    ("model.safetensors",),
    ("model.safetensors.index.json", "model-*.safetensors"),
    ("pytorch_model.bin",),
    ("pytorch_model.bin.index.json", "pytorch_model-*.bin"),
)
PROCESSOR = ("*processor_config.json", "*token*", "vocab*", "merges.txt", "*.model")


def load(
    *,
    weights: str | Path = DEFAULT,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    long_prompts: Literal["warn", "split", "error"] = "warn",
    cache_dir: str | Path | None = None,
) -> ClipScorer:
    """Load a dual encoder.

    Args:
        weights: a Hugging Face repository id, or a folder as `save_pretrained` writes it (model and processor).
        revision: branch, tag or commit of a repository id.
        device: where it runs.
        long_prompts: what to do with a prompt that is longer than the model's window: "warn" drops the last words and
            says which, "split" averages the embeddings of several windows, "error" refuses it.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: weights that are missing, damaged, not of a dual encoder, or not safe to load.
    """
    from fusedream_clip.loading import load_pretrained
    from fusedream_clip.scorer import ClipScorer

    model, processor = load_pretrained(weights, revision=revision, cache_dir=cache_dir)
    return ClipScorer(model, processor, long_prompts=long_prompts, source=str(weights)).to(device)


def cached(weights: str) -> bool:
    """Whether the files of a repository id are in Hugging Face's cache, so that nothing need be fetched."""
    from fusedream_sdk.models.trust import hub_cached

    return hub_cached(weights, "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`; of the features those of the encoder behind them."""
    from fusedream_sdk.models.sources import Sources

    return Sources((encoder_files(str(options["weights"] or DEFAULT), options),), "clip:{folder}")


def encoder_files(weights: str, options: Mapping[str, Any] = MappingProxyType({})) -> HubFiles:
    """The files of a dual encoder's repository that are read, its processor's included."""
    from fusedream_sdk.models.sources import HubFiles

    return HubFiles(weights, WEIGHTS, ("config.json", *PROCESSOR), options.get("revision"), options.get("cache_dir"))


def load_features(
    *,
    scorer: ClipScorer | None = None,
    weights: str | Path | None = None,
    layers: Sequence[int] | None = None,
    device: str | torch.device | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
) -> ClipFeatures:
    """Load a distance by the features of a dual encoder's image tower; no download if the model is there.

    Args:
        scorer: a scorer that the plugin `clip` (or `emoji`) loaded: its weights are shared.
        weights: in place of `scorer`, a repository id or a folder. Default: that of the plugin `clip`.
        layers: which hidden states are compared; see `ClipFeatures`.
        device: where it runs. Default: where `scorer` is, or the CPU.
        revision: branch, tag or commit of a repository id.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used, or several that exclude each other.
        WeightsError: weights that are missing, damaged, not of a dual encoder, or not safe to load.
    """
    from fusedream_clip.features import ClipFeatures, check_shared

    if scorer is None:
        scorer = load(weights=weights or DEFAULT, device=device or "cpu", revision=revision, cache_dir=cache_dir)
    else:
        check_shared(scorer, device, {"weights": weights, "revision": revision, "cache_dir": cache_dir})
    return ClipFeatures(scorer, layers=layers)
