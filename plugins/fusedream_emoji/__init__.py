"""The emoji world: small models, trained on emoji art and shipped with the package, so that everything runs offline.

`generator` is a BigGAN-deep that the BigGAN plugin loads, `scorer` and `judge` are dual encoders that the CLIP plugin
loads, and `perceptual` compares pictures by the scorer's layers: what runs here is what runs on real weights. The judge
is another architecture from another seed and is never optimised; it is there to report.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusedream_sdk.models.loading import ModelPair
    from fusedream_sdk.protocols import Generator, Perceptual, Scorer

WEIGHTS = Path(__file__).parent / "weights"
BANKS = Path(__file__).parent / "banks"  # of every pair here: python -m fusedream_emoji.training.banks


def generator(**options: Any) -> Generator:
    """The emoji BigGAN-deep: 376 concepts, 64 x 64 pixels. Options as for `biggan`."""
    import fusedream_biggan

    return fusedream_biggan.load(**{"weights": str(WEIGHTS / "generator"), **options})


def vqgan(**options: Any) -> Generator:
    """The emoji VQGAN, on any canvas. Needs the extra `vqgan`; options as for that plugin."""
    import fusedream_vqgan

    return fusedream_vqgan.load(**{"weights": str(WEIGHTS / "vqgan"), **options})


def turbo(**options: Any) -> Generator:
    """The emoji one-step diffusion model: 376 drawings, 64 x 64 pixels. Needs `diffusers`; options as for `diffusion`."""
    import fusedream_diffusion

    return fusedream_diffusion.load(**{"weights": str(WEIGHTS / "turbo"), **options})


def scorer(**options: Any) -> Scorer:
    """The emoji CLIP (a small ViT), which is optimised. Options as for `clip`."""
    return encoder("scorer", **options)


def judge(**options: Any) -> Scorer:
    """The second dual encoder (a convolutional one), for reports only. Options as for `clip`."""
    return encoder("judge", **options)


def encoder(name: str, **options: Any) -> Any:
    """The dual encoder in one of the folders here, without transformers; with `weights`, another one, as `clip` loads it."""
    if "weights" in options:
        import fusedream_clip

        return fusedream_clip.load(**options)
    from fusedream_clip.native import load_shipped

    return load_shipped(WEIGHTS / name, **options)


def perceptual(*, scorer: Any = None, weights: str | Path | None = None, **options: Any) -> Perceptual:
    """How different two pictures look to the image tower of `scorer`. Options as for `clip-features`."""
    import fusedream_clip

    if scorer is None and weights is None:
        own = {name: options.pop(name) for name in ("device", "revision", "cache_dir") if name in options}
        scorer = encoder("scorer", **{name: value for name, value in own.items() if value is not None})
    return fusedream_clip.load_features(scorer=scorer, weights=weights, **options)


SETTINGS = {
    "steps": 80,
    "views": 8,
    "lr": 0.02,
    "samples": 4096,
    "bank": 6144,
    "bank_views": 2,
    "check_views": 16,
    "report_views": 64,
}


def pair() -> ModelPair:
    """The emoji generator and scorer, and settings for a picture in seconds."""
    from fusedream_sdk.models.loading import ModelPair

    return ModelPair("emoji", "emoji", settings=SETTINGS, judge="emoji-judge", perceptual="emoji", banks=BANKS)


def tiny_pair() -> ModelPair:
    """The same models with a search and a run that are short enough for a test."""
    from fusedream_sdk.models.loading import ModelPair

    small = {"steps": 8, "views": 4, "samples": 256, "bank": 256, "bank_views": 1, "report_views": 8, "check_views": 8}
    settings = {**SETTINGS, **small, "check_every": 4}
    return ModelPair("emoji", "emoji", settings=settings, judge="emoji-judge", perceptual="emoji", banks=BANKS)


VQGAN_SETTINGS = {"basis": 5, "samples": 256, "bank": 1024, "steps": 120, "lr": 0.1, "noise": 0.0}


def vqgan_pair() -> ModelPair:
    """The emoji VQGAN, which starts from a grid of random codes, with the same scorer."""
    from fusedream_sdk.models.loading import ModelPair

    settings = {**SETTINGS, **VQGAN_SETTINGS}
    return ModelPair("emoji-vqgan", "emoji", settings=settings, judge="emoji-judge", perceptual="emoji", banks=BANKS)


TURBO_SETTINGS = {"basis": 1, "samples": 16, "bank": 16, "noise": 0.0, "lr": 0.05}


def turbo_pair() -> ModelPair:
    """The emoji one-step diffusion model, which reads the prompt itself, with the same scorer: what `reno` steers."""
    from fusedream_sdk.models.loading import ModelPair

    settings = {**SETTINGS, **TURBO_SETTINGS}
    return ModelPair("emoji-turbo", "emoji", settings=settings, judge="emoji-judge", perceptual="emoji")
