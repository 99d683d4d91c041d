"""Small random rewards in the files' own formats, and what the published code would make of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BlipTextConfig, BlipTextModel, BlipVisionConfig, BlipVisionModel

from tests.plugins.clip.conftest import make_clip

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "blue", "apple", "dog", "##s", "cafe", ",", "two", "birds"]
WORDS += ["car", "green", "frog", "at", "night"]
CONFIG = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 48,
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 40,
    "model_type": "bert",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": len(WORDS) + 2,
    "encoder_width": 768,
    "add_cross_attention": True,
}
WIDTH, SIDE = 128, 32
IN_THE_FILE = {
    "embeddings.class_embedding": "cls_token",
    "embeddings.position_embedding": "pos_embed",
    "embeddings.patch_embedding": "patch_embed.proj",
    "post_layernorm": "norm",
    "encoder.layers": "blocks",
    "self_attn.projection": "attn.proj",
    "self_attn": "attn",
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
}
"""transformers' names of the image encoder -> those of BLIP's own code."""


def head(width: int) -> nn.Sequential:
    """The head as the authors write it, of ImageReward as of the aesthetic predictor."""
    return nn.Sequential(
        *(nn.Linear(width, 1024), nn.Dropout(0.2), nn.Linear(1024, 128), nn.Dropout(0.2)),
        *(nn.Linear(128, 64), nn.Dropout(0.1), nn.Linear(64, 16), nn.Linear(16, 1)),
    ).eval()


def randomise(module: nn.Module, seed: int) -> None:
    """Weights large enough that every one of them matters; those of norms are near 1."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, x in module.named_parameters():
            drawn = torch.randn(x.shape, generator=rng) * (0.2 if x.dim() == 1 else 1.5 * x[0].numel() ** -0.5)
            x.copy_(drawn + 1 if "norm" in name.lower() and name.endswith("weight") else drawn)


@dataclass
class Published:
    """ImageReward of transformers' BLIP and the authors' head."""

    images: BlipVisionModel
    texts: BlipTextModel
    head: nn.Sequential

    def score(self, pixels: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """As in ImageReward/ImageReward.py: standardised pixels and padded tokens to (B,)."""
        seen = self.images(pixel_values=pixels).last_hidden_state
        atts = torch.ones(seen.shape[:-1], dtype=torch.long)
        out = self.texts(tokens, attention_mask=mask, encoder_hidden_states=seen, encoder_attention_mask=atts)
        return ((self.head(out.last_hidden_state[:, 0]) - 0.16717362830052426) / 1.0333394966054072).squeeze(1)


def make_published() -> Published:
    """A small one, random."""
    sizes: dict[str, Any] = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    vision = BlipVisionConfig(**sizes, image_size=SIDE, patch_size=8, hidden_act="gelu", layer_norm_eps=1e-6)
    own = {name: CONFIG[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")}
    own |= {"vocab_size": CONFIG["vocab_size"], "max_position_embeddings": 40, "layer_norm_eps": 1e-12}
    text = BlipTextConfig(**own, encoder_hidden_size=WIDTH, hidden_act="gelu", is_decoder=True, pad_token_id=0)
    parts = BlipVisionModel(vision), BlipTextModel(text, add_pooling_layer=False), head(CONFIG["hidden_size"])
    for seed, part in enumerate(parts):
        randomise(part, seed)
    return Published(*(part.eval().requires_grad_(False) for part in parts))  # pyright: ignore[reportArgumentType]


def entries(published: Published) -> dict[str, Tensor]:
    """Its weights under the names of ImageReward.pt, with what that file has of BLIP's pretraining."""
    found: dict[str, Tensor] = {}
    for name, value in published.images.state_dict().items():
        for theirs, own in IN_THE_FILE.items():
            name = name.replace(theirs, own)
        found[f"blip.visual_encoder.{name}"] = value
    found |= {f"blip.text_encoder.{n}": x for n, x in published.texts.state_dict().items() if "position_ids" not in n}
    found |= {f"mlp.layers.{name}": value for name, value in published.head.state_dict().items()}
    found["blip.text_encoder.embeddings.position_ids"] = torch.arange(40)[None]
    for name, width in (("vision", WIDTH), ("text", 48)):
        found |= {f"blip.{name}_proj.weight": torch.zeros(8, width), f"blip.{name}_proj.bias": torch.zeros(8)}
    return found


def imagereward(folder: Path, published: Published | None = None) -> dict[str, Any]:
    """A folder with ImageReward.pt, med_config.json and vocab.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(entries(published or make_published()), folder / "ImageReward.pt")
    (folder / "med_config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return {"weights": folder}


def aesthetic(folder: Path) -> dict[str, Any]:
    """A head in LAION's format, and a small CLIP."""
    own = head(16)
    randomise(own, 3)
    file = folder / "sac+logos+ava1-l14-linearMSE.pth"
    clip = make_clip(folder / "clip")
    torch.save({f"layers.{name}": value for name, value in own.state_dict().items()}, file)
    return {"weights": file, "clip": clip}


def pickscore(folder: Path) -> dict[str, Any]:
    """A folder as transformers saves it, without a processor, and one that has it."""
    weights, processor = make_clip(folder / "pickscore"), make_clip(folder / "processor")
    for name in ("preprocessor_config.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (weights / name).unlink()
    return {"weights": weights, "processor": processor}


def hpsv2(folder: Path) -> dict[str, Any]:
    """A folder with HPSv2's file, of a small architecture of OpenCLIP."""
    from tests.plugins.openclip.conftest import add_architectures, make_model

    add_architectures(folder)
    torch.save({"epoch": 1, "state_dict": make_model().state_dict()}, folder / "HPS_v2.1_compressed.pt")
    return {"weights": folder, "architecture": "tiny-test"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client does not even try."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def published() -> Published:
    """ImageReward as the authors compute it, small and random."""
    return make_published()


@pytest.fixture(scope="session")
def folder(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files. Read only."""
    return imagereward(tmp_path_factory.mktemp("imagereward"), published)["weights"]
