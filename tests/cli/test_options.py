"""Options that several verbs share."""

from __future__ import annotations

import pytest

from fusedream_sdk.cli.options import one_or_several


@pytest.mark.parametrize(
    ("given", "scorer"),
    [
        ((), None),
        (("clip",), "clip"),
        (("clip", "emoji"), {"clip": 1.0, "emoji": 1.0}),
        (("2*clip", ".5*owner/name", "0.25*ViT-B-32:openai"), {"clip": 2.0, "owner/name": 0.5, "ViT-B-32:openai": 0.25}),
        (("clip", "0.5*clip"), "clip"),
        (("2*clip",), "clip"),
        (("0*clip",), {"clip": 0.0}),
        (("clip", "-0.5*emoji"), {"clip": 1.0, "emoji": -0.5}),
    ],
)
def test_one_scorer_is_a_name_and_several_are_names_with_weights(given: tuple[str, ...], scorer: object):
    assert one_or_several(given) == scorer
