"""Preference models and an aesthetic head as FuseDream scorers: PickScore, HPSv2, ImageReward, LAION's aesthetic predictor.

PickScore and HPSv2 are dual encoders, so they are full scorers, with banks and image prompts. ImageReward reads picture and
text together, and the aesthetic head no text at all: both are rewards, whose search scores every sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_clip.scorer import ClipScorer
    from fusedream_openclip.scorer import OpenClipScorer
    from fusedream_rewards.blip_reward import ImageReward
    from fusedream_rewards.clip_reward import Aesthetic
    from fusedream_sdk.models.sources import Sources

__all__ = ["aesthetic", "hpsv2", "imagereward", "pickscore"]

PICKSCORE = "yuvalkirstain/PickScore_v1"
PICKSCORE_PROCESSOR = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
HPSV2 = "xswu/HPSv2"
HPSV2_FILES = {"v2.0": "HPS_v2_compressed.pt", "v2.1": "HPS_v2.1_compressed.pt"}
IMAGEREWARD = "THUDM/ImageReward"
AESTHETIC_CLIP = "openai/clip-vit-large-patch14"

LongPrompts = Literal["warn", "split", "error"]


def pickscore(
    *,
    weights: str | Path = PICKSCORE,
    processor: str | Path | None = None,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    long_prompts: LongPrompts = "warn",
    cache_dir: str | Path | None = None,
) -> ClipScorer:
    """Load PickScore, a CLIP ViT-H/14 that was trained on which of two pictures people picked for a prompt; 224 pixels, 3.9 GB.

    Its score here is the cosine similarity. What its authors publish is that times the model's `scale`, about 100.

    Args:
        weights: a Hugging Face repository id, or a folder as `save_pretrained` writes it.
        processor: where tokenizer and image processor are, an id or a folder. Default: the folder, or, of the published
            weights, that of the CLIP from which the training began, as the authors have it.
        revision: branch, tag or commit of a repository id.
        device: where it runs.
        long_prompts: as of the plugin `clip`.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: weights that are missing, damaged, not of a dual encoder, or not safe to load.

    References:
        Kirstain et al. (2023). Pick-a-Pic: an open dataset of user preferences for text-to-image generation. arXiv:2305.01569;
        github.com/yuvalkirstain/PickScore.
    """
    from fusedream_clip.loading import load_pretrained
    from fusedream_clip.scorer import ClipScorer

    reader = PICKSCORE_PROCESSOR if processor is None and str(weights) == PICKSCORE else processor
    model, read = load_pretrained(weights, revision=revision, cache_dir=cache_dir, processor=reader)
    return ClipScorer(model, read, long_prompts=long_prompts, source=str(weights)).to(device)


def hpsv2(
    *,
    weights: str | Path = HPSV2,
    version: Literal["v2.0", "v2.1"] = "v2.1",
    architecture: str = "ViT-H-14",
    device: str | torch.device = "cpu",
    long_prompts: LongPrompts = "warn",
    cache_dir: str | Path | None = None,
) -> OpenClipScorer:
    """Load the Human Preference Score v2, an OpenCLIP ViT-H/14 that was trained on people's choices; 224 pixels, 2 GB.

    Its score is the cosine similarity, here as in its authors' package, about 0.2 to 0.35.

    Args:
        weights: a file such as HPS_v2.1_compressed.pt, a folder that holds it, or a Hugging Face repository id.
        version: which of the two, in a folder or a repository.
        architecture: of `open_clip.list_models()`; the published weights are of ViT-H-14.
        device: where it runs.
        long_prompts: as of the plugin `openclip`.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: weights that are missing, damaged, of another architecture, or not safe to load.
        PluginImportError: the extra `openclip` is not installed.

    References:
        Wu et al. (2023). Human preference score v2: a solid benchmark for evaluating human preferences of text-to-image
        synthesis. arXiv:2306.09341; github.com/tgxs002/HPSv2.
    """
    from fusedream_openclip import load
    from fusedream_rewards.files import find_file
    from fusedream_sdk.runtime.checks import check_choice

    check_choice("version", version, tuple(HPSV2_FILES))
    path = find_file("hpsv2", weights, HPSV2_FILES[version], cache_dir=cache_dir)
    return load(weights=f"{architecture}:{path}", device=device, long_prompts=long_prompts)


def imagereward(
    *,
    weights: str | Path = IMAGEREWARD,
    vocabulary: str | Path | None = None,
    device: str | torch.device = "cpu",
    long_prompts: Literal["warn", "error"] = "warn",
    cache_dir: str | Path | None = None,
) -> ImageReward:
    """Load ImageReward, a BLIP whose text encoder sees the picture, trained on people's rankings; 224 pixels, 1.8 GB.

    Scores are standardised: over the authors' pictures their mean is 0 and their deviation 1.

    Args:
        weights: a Hugging Face repository id, a folder with ImageReward.pt and med_config.json, or such a file beside which
            med_config.json lies.
        vocabulary: the file vocab.txt of bert-base-uncased. Default: beside the weights, or from the hub.
        device: where it runs.
        long_prompts: what to do with a prompt of more than 35 tokens, special ones included, of which the model reads no
            more: "warn" reads those and says so, "error" refuses it.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: files that are missing, damaged, of another architecture, or not safe to load.

    References:
        Xu et al. (2023). ImageReward: learning and evaluating human preferences for text-to-image generation.
        arXiv:2304.05977; github.com/THUDM/ImageReward.
    """
    from fusedream_rewards.blip_reward import load_imagereward

    return load_imagereward(weights, vocabulary, long_prompts=long_prompts, cache_dir=cache_dir).to(device)


def aesthetic(
    *,
    weights: str | Path | None = None,
    clip: str | Path = AESTHETIC_CLIP,
    device: str | torch.device = "cpu",
    cache_dir: str | Path | None = None,
) -> Aesthetic:
    """Load LAION's improved aesthetic predictor, a head on CLIP ViT-L/14, which says how much people like a picture: 1 to 10.

    It reads no prompt, so it is of use beside a scorer that does.

    Args:
        weights: the head's file, sac+logos+ava1-l14-linearMSE.pth, or a folder that holds it. Default: it is fetched once,
            3.7 MB.
        clip: the encoder on whose embeddings the head was trained, an id or a folder for the plugin `clip`; 1.7 GB.
        device: where it runs.
        cache_dir: where downloads of the encoder are kept. Default: Hugging Face's cache.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: files that are missing, damaged, of another size, or not safe to load.

    References:
        Schuhmann (2022). github.com/christophschuhmann/improved-aesthetic-predictor.
        Schuhmann et al. (2022). LAION-5B: an open large-scale dataset for training next generation image-text models.
        arXiv:2210.08402.
    """
    from fusedream_rewards.clip_reward import load_aesthetic

    return load_aesthetic(weights, clip, cache_dir=cache_dir).to(device)


def cached(weights: str) -> bool:
    """Whether the files of a repository id are in Hugging Face's cache, so that nothing need be fetched."""
    from fusedream_clip import cached as cached_encoder
    from fusedream_rewards.blip_reward import CONFIG, FILE
    from fusedream_rewards.files import is_cached

    bare = [(file,) for file in HPSV2_FILES.values()]
    return cached_encoder(weights) or any(is_cached(weights, files) for files in [*bare, (FILE, CONFIG)])


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`."""
    from fusedream_clip import PROCESSOR, encoder_files
    from fusedream_sdk.models.sources import HubFiles, Sources

    weights, cache = options["weights"], options.get("cache_dir")
    if entry == "pickscore":
        model = encoder_files(str(weights), options)
        if str(weights) != PICKSCORE or options.get("processor") is not None:
            return Sources((model,), "pickscore:{folder}")
        reader = HubFiles(
            PICKSCORE_PROCESSOR, (("preprocessor_config.json",),), ("config.json", *PROCESSOR), None, cache, "processor"
        )
        return Sources((model, reader), "pickscore:{folder}?processor={folder}/processor")
    if entry == "hpsv2":
        version = options["version"]
        use = "hpsv2:{folder}" + ("" if version == "v2.1" else f"?version={version}")
        return Sources((HubFiles(str(weights), ((HPSV2_FILES[version],),), (), None, cache),), use)
    if entry == "imagereward":
        from fusedream_rewards.blip_reward import CONFIG, FILE
        from fusedream_rewards.words import FILE as VOCABULARY
        from fusedream_rewards.words import REPOSITORY

        words = HubFiles(REPOSITORY, ((VOCABULARY,),), (), None, cache)
        return Sources((HubFiles(str(weights), ((FILE, CONFIG),), (), None, cache), words), "imagereward:{folder}")
    from fusedream_rewards.clip_reward import head_file

    encoder = replace(encoder_files(str(options["clip"]), options), folder="clip")
    return Sources((head_file(), encoder), "aesthetic:{folder}?clip={folder}/clip")
