"""How the page looks: colours, pictures as part of the page, and sentences; without anything from another place."""

from __future__ import annotations

import base64
import html
import itertools
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from fusedream_sdk.imaging.pictures import png_bytes

if TYPE_CHECKING:
    from gradio.themes import Base

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")
TINY = 512  # pixels: a narrower picture is enlarged, every pixel to a square
NUMBERS = itertools.count(1)  # of sentences: one that is said twice is announced twice
HEAVY = 1 << 18  # bytes of a PNG, above which a picture on its way is sent as JPEG

CSS = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
.html-container { padding: 0 !important; }
#head h1 { margin: 0; font-size: 1.6rem; letter-spacing: -0.02em; }
#head p { margin: 0.15rem 0 0; color: var(--body-text-color-subdued); }
.said { margin: 0; padding: 0.6rem 0.8rem; border-radius: 8px; border-left: 4px solid; line-height: 1.35;
  overflow-wrap: anywhere; background: var(--background-fill-secondary); border-color: var(--color-accent); }
.said.wrong { border-color: #c2410c; }
.said.over { border-color: #15803d; }
.stage { display: flex; justify-content: center; align-items: center; min-height: 220px; padding: 12px; border-radius: 12px;
  background: var(--background-fill-secondary); }
.stage img { width: 100%; height: auto; border-radius: 6px; }
.stage img.tiny { image-rendering: pixelated; }
.stage .hint { color: var(--body-text-color-subdued); text-align: center; max-width: 22rem; }
.places .wrap { display: grid !important; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 6px; max-width: 22rem; }
.places .wrap label { justify-content: center; padding: 8px 4px; }
.places .wrap label span { font-size: 0.8rem; margin-left: 4px; }
#limits p { color: var(--body-text-color-subdued); font-size: 0.85rem; margin: 0; }
.gallery img { image-rendering: pixelated; }
footer { display: none !important; }
"""


def theme() -> Base:
    """Colours and fonts; the fonts are those of the visitor's machine."""
    from gradio.themes import Base, sizes

    return Base(
        primary_hue="indigo",
        neutral_hue="slate",
        radius_size=sizes.radius_md,
        font=list(FONTS),
        font_mono=list(MONO),
    ).set(button_primary_background_fill="*primary_600", button_primary_background_fill_hover="*primary_700")


def picture_html(picture: Image.Image, about: str) -> str:
    """A picture as a part of the page, enlarged where it is tiny."""
    tiny = picture.width < TINY
    times = max(1, min(6, TINY // picture.width))
    style = f"max-width: {picture.width * times}px"
    kind = ' class="tiny"' if tiny else ""
    shown = f'<img{kind} style="{style}" alt="{html.escape(about, quote=True)}" src="{data_uri(picture)}">'
    return f'<div class="stage">{shown}</div>'


def hint_html(text: str) -> str:
    """What stands where a picture will be."""
    return f'<div class="stage"><span class="hint">{html.escape(text)}</span></div>'


def data_uri(picture: Image.Image) -> str:
    """A picture as an address that holds it."""
    whole = png_bytes(picture)
    if len(whole) <= HEAVY:
        return f"data:image/png;base64,{base64.b64encode(whole).decode()}"
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def said_html(text: str, *, wrong: bool = False, over: bool = False) -> str:
    """A sentence: what goes on, what is done, or what went wrong. Empty for none."""
    if not text:
        return ""
    kind = "wrong" if wrong else "over" if over else "busy"
    role = "alert" if wrong else "status"
    return f'<p class="said {kind}" role="{role}" data-said="{next(NUMBERS)}">{html.escape(text)}</p>'
