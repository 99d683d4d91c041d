"""Small random dual encoders of several architectures, saved as transformers saves them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    ChineseCLIPConfig,
    ChineseCLIPImageProcessor,
    ChineseCLIPModel,
    ChineseCLIPProcessor,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)
from transformers.utils import logging

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
VISION = {**SMALL, "image_size": 32, "patch_size": 8}
SIDE = {"height": 32, "width": 32}
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


@pytest.fixture(scope="session", autouse=True)
def quiet_saving() -> Iterator[None]:
    """No bars while the fixtures save."""
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def write_clip_files(folder: Path, side: int, vocabulary: int | None = None) -> int:
    """Tokenizer and processor files in the form of OpenAI's repositories; returns the number of tokens."""
    letters = [chr(code) for code in range(33, 127)]
    merges = [("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>")]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    tokens += [f"unused{i}" for i in range((vocabulary or len(tokens) + 2) - len(tokens) - 2)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    size = {"image_mean": MEAN, "image_std": STD, "do_center_crop": True, "do_normalize": True, "do_resize": True}
    size |= {"size": side, "crop_size": side, "resample": 3, "feature_extractor_type": "CLIPFeatureExtractor"}
    end = "<|endoftext|>"
    texts = {"bos_token": "<|startoftext|>", "eos_token": end, "pad_token": end, "unk_token": end}
    texts |= {"model_max_length": 77, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"}
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    (folder / "tokenizer_config.json").write_text(json.dumps(texts))
    (folder / "preprocessor_config.json").write_text(json.dumps(size))
    return len(tokens)


def make_clip(folder: Path, window: int = 77) -> Path:
    """A small CLIP."""
    folder.mkdir(parents=True, exist_ok=True)
    count = write_clip_files(folder, 32)
    text = {**SMALL, "vocab_size": count, "max_position_embeddings": window, "bos_token_id": count - 2}
    text |= {"eos_token_id": count - 1, "pad_token_id": count - 1}
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)).save_pretrained(folder)
    return folder


def bert_tokenizer() -> BertTokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "狗", "红"]
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=12)


def make_chinese(folder: Path) -> Path:
    """A small Chinese-CLIP."""
    text = {**SMALL, "vocab_size": 10, "max_position_embeddings": 64}
    torch.manual_seed(0)
    ChineseCLIPModel(ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)).save_pretrained(folder)
    reader = ChineseCLIPImageProcessor(size=SIDE, do_center_crop=False)  # crop_size stays 224, and means nothing
    ChineseCLIPProcessor(reader, bert_tokenizer()).save_pretrained(folder)
    return folder


def make_dual(folder: Path) -> Path:
    """A small pair of ViT and BERT."""
    torch.manual_seed(0)
    vision = ViTModel(ViTConfig(**VISION))
    text = BertModel(BertConfig(**SMALL, vocab_size=10, max_position_embeddings=64))
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision.config, text.config, projection_dim=16)
    VisionTextDualEncoderModel(config=config, vision_model=vision, text_model=text).save_pretrained(folder)
    VisionTextDualEncoderProcessor(ViTImageProcessor(size=SIDE), bert_tokenizer()).save_pretrained(folder)
    return folder


def make_siglip(folder: Path) -> Path:
    """A small SigLIP."""
    words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "cat": 4, "dog": 5}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    words.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=16, **special)
    text = {**SMALL, "vocab_size": 6, "max_position_embeddings": 16, "projection_size": 32}
    text |= {"bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
    torch.manual_seed(0)
    SiglipModel(SiglipConfig(text_config=text, vision_config=VISION)).save_pretrained(folder)
    SiglipProcessor(SiglipImageProcessor(size=SIDE), tokenizer).save_pretrained(folder)
    return folder


MAKERS = {"clip": make_clip, "siglip": make_siglip, "chinese": make_chinese, "dual": make_dual}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each architecture. Read only."""
    root = tmp_path_factory.mktemp("clip")
    return {name: make(root / name) for name, make in MAKERS.items()}
