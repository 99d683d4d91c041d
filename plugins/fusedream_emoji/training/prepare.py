"""Rebuild the art atlases and the concept list from the npm packages they come from.

    npm install emoji-datasource-google@16 emoji-datasource-twitter@16 @lobehub/fluent-emoji-3d@1 emojibase-data@17
    python -m fusedream_emoji.training.prepare node_modules

The atlases are shipped, so this is needed only to change the set of concepts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image

from fusedream_emoji.art import ART, COLUMNS, SIDE, STYLES
from fusedream_emoji.training.names import ALIASES, EXCLUDED_LABELS, EXCLUDED_SUBGROUPS, GROUPS

SOURCES = {  # style -> folder of single pictures below node_modules, and their suffix
    "noto": ("emoji-datasource-google/img/google/64", ".png"),
    "twemoji": ("emoji-datasource-twitter/img/twitter/64", ".png"),
    "fluent": ("@lobehub/fluent-emoji-3d/assets", ".webp"),
}


def find_picture(folder: Path, hexcode: str, suffix: str) -> Path | None:
    """The file of an emoji; the packages disagree on the variation selector fe0f."""
    code = hexcode.lower()
    for name in (code, code.replace("-fe0f", ""), f"{code}-fe0f"):
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    return None


def select_concepts(modules: Path) -> list[dict]:
    """The concepts that exist in every style, in Unicode order, with the words people use for them."""
    data = modules / "emojibase-data"
    subgroups = json.loads((data / "meta/groups.json").read_text())["subgroups"]
    concepts = []
    for emoji in sorted(json.loads((data / "en/data.json").read_text()), key=lambda e: e.get("order", 0)):
        label = emoji["label"]
        if emoji.get("group") not in GROUPS or label in EXCLUDED_LABELS:
            continue
        if subgroups[str(emoji["subgroup"])] in EXCLUDED_SUBGROUPS:
            continue
        files = {s: find_picture(modules / d, emoji["hexcode"], suffix) for s, (d, suffix) in SOURCES.items()}
        if all(files.values()):
            names = ALIASES.get(label, [label.lower()])
            concepts.append({"code": emoji["hexcode"], "names": names, "files": files})
    return concepts


def sprite(path: Path) -> Image.Image:
    """The drawing alone, cropped to its opaque part and centred in a SIDE x SIDE square."""
    picture = Image.open(path).convert("RGBA")
    box = picture.getchannel("A").point([255 if alpha > 8 else 0 for alpha in range(256)]).getbbox()
    picture = picture.crop(box)
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(picture, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", type=Path, help="the node_modules folder that npm made")
    concepts = select_concepts(parser.parse_args().modules)
    for style in STYLES:
        rows = -(-len(concepts) // COLUMNS)
        atlas = Image.new("RGBA", (COLUMNS * SIDE, rows * SIDE))
        for i, concept in enumerate(concepts):
            atlas.paste(sprite(concept["files"][style]), (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
        atlas.save(ART / f"{style}.webp", quality=90, alpha_quality=90, method=6)
    listed = [{"code": c["code"], "names": c["names"]} for c in concepts]
    (ART / "concepts.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in listed) + "\n]\n")


if __name__ == "__main__":
    main()
