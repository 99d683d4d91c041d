"""What a row of the tables is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Line: TypeAlias = tuple[list[str], str]
"""Words of a command line, and a regular expression of the one sentence that it gets."""

Call: TypeAlias = Callable[[Any], object]
"""A call of the Python API, given toy models in a `FuseDream`."""

Row: TypeAlias = tuple[Call, str]
"""A call, and a regular expression of the sentence that it raises."""
