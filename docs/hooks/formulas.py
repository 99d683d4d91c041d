"""Formulas of the pages become MathML, which browsers draw themselves: no script, and nothing from elsewhere."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Called by mkdocs with the HTML of every page."""
    return FORMULA.sub(lambda found: as_mathml(found["latex"], found["tag"]), content)


def as_mathml(latex: str, tag: str) -> str:
    """A formula in a line, or in a line of its own."""
    drawn = convert(html.unescape(latex), display="block" if tag == "div" else "inline")
    return drawn if tag == "span" else f'<div class="formula">{drawn}</div>'
