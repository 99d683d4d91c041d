"""The latent banks that ship with the pairs of the emoji world, built again from their weights.

    python -m fusedream_emoji.training.banks [--out FOLDER]

After a change of weights, settings or anything that the pictures or embeddings follow from. Banks that no pair has any more
are removed. For a pair of your own: fusedream bank build --models PAIR --dtype float32 --out FOLDER.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import fusedream_sdk as fd
from fusedream_emoji import BANKS

PAIRS = ("emoji", "emoji-tiny", "emoji-vqgan")


def build_all(folder: Path) -> list[Path]:
    """Build the bank of every pair into a folder, on the CPU, in float32; no other bank stays there."""
    folder.mkdir(exist_ok=True)
    made: list[Path] = []
    for name in PAIRS:
        dream = fd.FuseDream(name, device="cpu", dtype="float32")
        bank = dream.engine.new_bank(dream.settings, folder)
        made.append(folder / bank.recipe.path.name)
        print(f"{name}: {made[-1].name}, {bank.recipe.size} latents, {made[-1].stat().st_size / 1e6:.2f} MB")
    for path in set(folder.glob("*.safetensors")) - set(made):
        path.unlink()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=BANKS)
    build_all(parser.parse_args().out)


if __name__ == "__main__":
    main()
