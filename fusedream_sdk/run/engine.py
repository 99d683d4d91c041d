"""Models ready to run, and what every way of making pictures shares: precision, memory, banks, starts, targets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch

from fusedream_sdk.errors import FingerprintMismatch, InvalidInput, WeightsError
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.checks import check_first_use, check_types
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.parametrise import BasisMix, Direct
from fusedream_sdk.protocols import Generator, Scorer
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.device import autocast
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream
from fusedream_sdk.search.bank import BankRecipe, LatentBank, build_bank
from fusedream_sdk.search.starts import bank_starts, conditioned, searched_starts, single_starts


class Engine:
    """A generator and a scorer on one device.

    Args:
        generator, scorer: loaded models.
        dtype: number format of the optimisation.
        budget: bytes that a chunk of rows may take; half of what is free by default.

    Raises:
        PluginContractError, InvalidInput: a model lacks the members of its protocol, or they are on two devices.
    """

    def __init__(self, generator: Loaded, scorer: Loaded, *, dtype: torch.dtype, budget: float | None = None) -> None:
        check_types(generator.model, scorer.model)
        self.generator, self.scorer, self.dtype, self.budget = generator, scorer, dtype, budget
        self.device = generator.device
        self._checked = False
        self._bank: LatentBank | None = None

    def drawing_with(self, generator: Loaded) -> Engine:
        """The same with another generator."""
        return Engine(generator, self.scorer, dtype=self.dtype, budget=self.budget)

    def check_once(self) -> None:
        """The models keep their contracts, tried out on the first call. Raises PluginContractError."""
        if not self._checked:
            check_first_use(self.generator.model, self.scorer.model)
            self._checked = True

    def precision(self) -> Any:
        """The context in which models run."""
        return autocast(self.device, self.dtype)

    @property
    def has_bank(self) -> bool:
        """Whether one bank can serve every prompt."""
        return isinstance(self.scorer.model, Scorer) and not conditioned(self.generator.model)

    def bank_recipe(self, settings: Settings) -> BankRecipe:
        """What the bank of these models and settings is made of."""
        return BankRecipe(
            generator=self.generator.fingerprint,
            scorer=self.scorer.fingerprint,
            size=settings.bank,
            views=settings.augment,
            count=settings.bank_views,
            precision=str(self.dtype).removeprefix("torch."),
        )

    def bank(self, settings: Settings, *, progress: bool = True) -> LatentBank:
        """The latent bank: from memory, the user's cache folder, or built now and cached. Raises InvalidInput without one."""
        if not self.has_bank:
            raise InvalidInput(
                "bank", expected="a scorer with embeddings and a generator that ignores the prompt", got="models without them"
            )
        recipe = self.bank_recipe(settings)
        if self._bank is None or self._bank.recipe != recipe:
            bank = None
            with suppress(WeightsError, FingerprintMismatch):  # missing, damaged, or of other models: build it again
                bank = LatentBank.load(recipe.path, recipe)
            if bank is None:
                models = (self.generator.model, self.scorer.model)
                with bar("building the latent bank", progress) as advance:
                    bank = build_bank(*models, recipe, precision=self.precision, progress=advance)
                bank.save(recipe.path)
            self._bank = bank
        return self._bank

    def starts(
        self, prompts: Sequence[PromptLike], seeds: Sequence[int], settings: Settings, *, progress: bool = True
    ) -> Latents:
        """A basis of k latents for each row: (B, k, ...) each."""
        generator, scorer = self.generator.model, self.scorer.model
        if not settings.searches:
            return single_starts(generator, prompts, seeds)
        if self.has_bank:
            bank = self.bank(settings, progress=progress)
            return bank_starts(generator, scorer, bank, prompts, seeds, k=settings.basis, samples=settings.samples)
        target = make_target(scorer, prompts)
        with bar("searching", progress) as advance:
            return searched_starts(
                *(generator, target, prompts, seeds), settings=settings, precision=self.precision, progress=advance
            )

    def objectives(
        self, prompts: Sequence[PromptLike], seeds: Sequence[int], settings: Settings, *, generator: Generator | None = None
    ) -> tuple[AugCLIP, AugCLIP]:
        """AugCLIP as it is optimised, and on the held-out views that choose the best point."""
        drawn = self.generator.model if generator is None else generator
        target, views = make_target(self.scorer.model, prompts), settings.augment
        steered = AugCLIP(drawn, target, seeds, views=views, count=settings.views, noise=settings.noise)
        held_out = AugCLIP(drawn, target, seeds, views=views, count=settings.check_views, stream=Stream.SELECT)
        steered.precision = held_out.precision = self.precision
        return steered, held_out


def parametrise(generator: Generator, starts: Latents, seeds: Sequence[int], settings: Settings) -> Direct | BasisMix:
    """The free parameters of each row, from a basis (B, k, ...) each: mixed (eq. 4), or for k = 1 the latents themselves."""
    if settings.basis == 1:
        return Direct(generator.space, {name: x[:, 0] for name, x in starts.items()})
    return BasisMix(generator.space, starts, start=settings.start, seeds=seeds)
