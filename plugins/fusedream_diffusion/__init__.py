"""One-step text-to-image diffusion (SD-Turbo, SDXL-Turbo) as FuseDream generators, from pipelines of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_diffusion.generator import DiffusionGenerator
    from fusedream_sdk.models.sources import Sources

__all__ = ["load", "sd_turbo", "sdxl_turbo"]

NAMED = {"sd_turbo": ("stabilityai/sd-turbo", "fp16"), "sdxl_turbo": ("stabilityai/sdxl-turbo", "fp16")}
"""Entry points with weights of their own: repository and variant."""


def load(
    *,
    weights: str | Path,
    size: tuple[int, int] | None = None,
    dtype: Literal["float32", "float16", "bfloat16"] = "float32",
    one_step: bool = False,
    saving: Literal["none", "checkpoints", "tiles", "both"] = "none",
    variant: Literal["", "fp16"] = "",
    cache_dir: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> DiffusionGenerator:
    """Load a pipeline of Stable Diffusion or Stable Diffusion XL that makes its picture in one step.

    Args:
        weights: a folder as diffusers' `save_pretrained` writes it, with model_index.json; or a Hugging Face repository id,
            also with a branch, tag or commit: owner/name@revision.
        size: (H, W) of the pictures in pixels, multiples of the decoder's stride; by default what it was trained on.
        dtype: number format of the weights in memory. The noise and the pictures are float32.
        one_step: take it for a pipeline of one step though its scheduler says otherwise; the step then begins at the noisiest
            timestep.
        saving: of memory, for time: "checkpoints" computes the network's and the decoder's inside again for the gradient,
            "tiles" decodes large pictures in overlapping tiles, which changes them a little.
        variant: "fp16" for files of half precision, which are half as large to fetch; a folder that has only those needs no
            word.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.
        device: where it runs.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: files that are missing, damaged, of another architecture, of a pipeline of many steps, or not safe.
        PluginImportError: the extra `diffusers` is not installed.
    """
    from fusedream_sdk.models.missing import require

    require("generators: a diffusion pipeline needs", "diffusers", "diffusers")
    from fusedream_diffusion.files import locate
    from fusedream_diffusion.generator import DiffusionGenerator
    from fusedream_diffusion.loading import load_pipeline

    folder = locate(weights, variant=variant, cache_dir=cache_dir)
    pipeline = load_pipeline(folder, dtype=dtype, variant=variant, trusted=one_step)
    return DiffusionGenerator(pipeline, size=size, saving=saving).to(device)


def sd_turbo(**options: Any) -> DiffusionGenerator:
    """SD-Turbo (Sauer et al. 2023, arXiv:2311.17042): 512 x 512 pixels, 1.3 billion parameters. Options as for `diffusion`.

    The weights are under Stability AI's community licence.
    """
    return load(**{**_named("sd_turbo"), **options})


def sdxl_turbo(**options: Any) -> DiffusionGenerator:
    """SDXL-Turbo (Sauer et al. 2023, arXiv:2311.17042): 512 x 512 pixels, 3.5 billion parameters. Options as for `diffusion`.

    The weights are under Stability AI's community licence.
    """
    return load(**{**_named("sdxl_turbo"), **options})


def _named(entry: str) -> dict[str, str]:
    return dict(zip(("weights", "variant"), NAMED[entry], strict=True))


def cached(weights: str) -> bool:
    """Whether all files of a repository id are in Hugging Face's cache, so that nothing need be fetched."""
    from fusedream_diffusion.files import in_cache

    return any(in_cache(weights, variant) is not None for variant in ("", "fp16"))


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`."""
    from fusedream_diffusion.files import hub_files
    from fusedream_sdk.models.sources import Sources

    weights, variant = NAMED.get(entry, ("", ""))
    part = hub_files(str(options.get("weights") or weights), options.get("variant") or variant, options.get("cache_dir"))
    return Sources((part,), f"{entry.replace('_', '-') if entry in NAMED else 'diffusion'}:{{folder}}")
