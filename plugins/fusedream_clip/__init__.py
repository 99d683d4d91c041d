"""Dual encoders of transformers (CLIP, SigLIP, Chinese-CLIP ...) as FuseDream scorers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_clip.scorer import ClipScorer

__all__ = ["load"]


def load(
    *,
    weights: str | Path = "openai/clip-vit-base-patch32",
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
