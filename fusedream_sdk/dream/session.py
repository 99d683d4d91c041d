"""The models and the settings behind every verb of the facade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from typing_extensions import Unpack

from fusedream_sdk.dream.machine import Machine, resolve_machine
from fusedream_sdk.models.ensemble import ScorerLike
from fusedream_sdk.models.loading import ModelPair, choose, loaded_generator, loaded_scorer
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.run.settings import OF_A_BANK, Settings, check_changes
from fusedream_sdk.runtime.checks import check_flag, check_kind, check_names, names_of
from fusedream_sdk.runtime.device import resolve_dtype
from fusedream_sdk.search.bank import BankRecipe, LatentBank


class Session:
    """A generator and a scorer, loaded, with settings that suit them. Arguments and errors as of `FuseDream`."""

    def __init__(
        self,
        models: str | ModelPair | None = None,
        *,
        generator: str | Generator | None = None,
        scorer: ScorerLike | None = None,
        settings: Mapping[str, Any] | None = None,
        perceptual: str | Perceptual | None = None,
        **machine: Unpack[Machine],
    ) -> None:
        check_changes({} if settings is None else settings)
        found = resolve_machine(**machine)
        chosen = choose(models, generator, scorer, perceptual)
        check_names(chosen.settings, names_of(Settings))
        loaded = loaded_generator(chosen.generator, found.device), loaded_scorer(chosen.scorer, found.device)
        device = loaded[0].device  # of an object it may be another
        judge = Judge(chosen.judge, device) if chosen.judge else None
        rest: dict[str, Any] = {"perceptual": chosen.perceptual, "judge": judge, "banks": chosen.banks}
        rest |= {"budget": found.budget, "compiles": found.compiles}
        self._engine = Engine(*loaded, dtype=resolve_dtype(found.dtype, device), **rest)
        own = getattr(self.generator, "recommended", {})
        self._settings = Settings().replace(**{**own, **chosen.settings, **(settings or {})})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.engine.about})"

    @property
    def engine(self) -> Engine:
        """The models ready to run, for parts of your own."""
        return self._engine

    @property
    def settings(self) -> Settings:
        """The settings of every call that changes none."""
        return self._settings

    @property
    def generator(self) -> Generator:
        """The generator in use."""
        return self.engine.generator.model

    @property
    def scorer(self) -> Scorer | Reward:
        """The scorer in use."""
        return self.engine.scorer.model

    @property
    def device(self) -> torch.device:
        """Where the models live."""
        return self.engine.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the optimisation."""
        return self.engine.dtype

    def bank(self, *, progress: bool = True, **changes: Any) -> LatentBank:
        """The latent bank of these models and settings: from memory, a file, or built now and cached.

        Raises:
            InvalidInput: the scorer has no embeddings, or the generator depends on the prompt.
        """
        check_flag("progress", progress)
        check_names(changes, OF_A_BANK, "a setting of a bank")
        with self.engine.faults():
            return self.engine.bank(self.settings.replace(**changes), progress=progress)

    def bank_recipe(self, settings: Settings | None = None) -> BankRecipe:
        """What the bank of these models and settings is made of. Raises InvalidInput for what are no settings."""
        if settings is not None:
            check_kind("settings", settings, Settings, "Settings", "Make them: dream.settings.replace(bank=1000).")
        return self.engine.bank_recipe(settings or self.settings)
