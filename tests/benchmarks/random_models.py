"""Models of the real sizes with random weights, in the real file formats, for figures of time and memory.

    python -m tests.benchmarks.random_models runs/models [--sides 256,512]
    fusedream bench --generator runs/models/biggan-512 --scorer runs/models/vit-b-32 --views 50

A BigGAN-deep of each side (config.json and pytorch_model.bin, 200 MB), and a CLIP ViT-B/32 as transformers saves it (600 MB).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from pytorch_pretrained_biggan import BigGANConfig
from transformers import CLIPConfig, CLIPModel

from tests.benchmarks.biggan_speed import BLOCKS
from tests.plugins.biggan.conftest import make_model, save
from tests.plugins.clip.conftest import write_clip_files

ALL_BLOCKS = {**BLOCKS, 512: [*BLOCKS[256], (False, 1, 1), (True, 1, 1)]}


def write_biggan(folder: Path, side: int) -> Path:
    """A BigGAN-deep of the published shape."""
    layers = [list(layer) for layer in ALL_BLOCKS[side]]
    config = BigGANConfig(output_dim=side, layers=layers).to_dict()
    return save(folder, config, dict(make_model({"output_dim": side, "layers": layers}).state_dict()))


def write_clip(folder: Path) -> Path:
    """A CLIP ViT-B/32 that reads letters."""
    folder.mkdir(parents=True, exist_ok=True)
    count = write_clip_files(folder, 224, vocabulary=49408)
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config={"bos_token_id": count - 2, "eos_token_id": count - 1})).save_pretrained(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sides", default="256,512", help="of the BigGANs, comma-separated: 128, 256, 512")
    args = parser.parse_args()
    made = [write_biggan(args.out / f"biggan-{side}", int(side)) for side in args.sides.split(",")]
    for path in (*made, write_clip(args.out / "vit-b-32")):
        print(path)


if __name__ == "__main__":
    main()
