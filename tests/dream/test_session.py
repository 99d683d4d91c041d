"""Models and settings behind every verb."""

from __future__ import annotations

import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.session import Session
from fusedream_sdk.testing import ToyGenerator, ToyScorer


def test_a_session_has_its_models_ready_and_settings_that_suit_them():
    generator, scorer = ToyGenerator(16), ToyScorer(8)
    session = Session(generator=generator, scorer=scorer, settings={"steps": 7}, dtype="float32")
    assert (session.generator, session.scorer) == (generator, scorer)
    assert (session.device, session.dtype) == (torch.device("cpu"), torch.float32)
    assert (session.settings.steps, session.settings.lr) == (7, generator.recommended["lr"])
    assert repr(session).startswith("Session(a ToyGenerator with a ToyScorer: 16 x 16 pixels")


def test_the_facade_is_a_session_with_verbs(dream: FuseDream):
    assert isinstance(dream, Session)
    assert repr(dream).startswith("FuseDream(")
