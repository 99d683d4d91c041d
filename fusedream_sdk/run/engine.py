"""Models ready to run, and what every way of making pictures shares: precision, memory, the bank, the distance."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import cached_property
from pathlib import Path

import torch

from fusedream_sdk.errors import FingerprintMismatch, InvalidInput, WeightsError
from fusedream_sdk.models.checks import check_first_use, check_types, conditioned
from fusedream_sdk.models.compiled import compiled_generator, compiled_scorer
from fusedream_sdk.models.faults import named_faults
from fusedream_sdk.models.loading import Loaded, default_perceptual, loaded_perceptual, shipped_banks
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.device import autocast
from fusedream_sdk.runtime.paths import check_writable
from fusedream_sdk.runtime.progress import Advance, bar
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.search.bank import BankRecipe, LatentBank
from fusedream_sdk.search.building import build_file
from fusedream_sdk.search.unfinished import turn

ANOTHER = "another process builds the latent bank"
log = logging.getLogger(__name__)


class Engine:
    """A generator and a scorer on one device.

    Args:
        generator, scorer: loaded models.
        dtype: number format of the optimisation.
        budget: bytes that a chunk of rows may take; half of what is free by default.
        perceptual: distance of two pictures, or its name; a named one is loaded on its first use. None is LPIPS, or the
            features of the scorer where LPIPS cannot be had.
        judge: of the finished pictures, shared with every engine made from this one.
        banks: a folder of banks that ship with the models, if there is one, beside those of installed pairs.
        compiles: whether the models run compiled where they are called in every step.

    Raises:
        PluginContractError, InvalidInput: a model lacks the members of its protocol, or they are on two devices.
    """

    def __init__(
        self,
        generator: Loaded,
        scorer: Loaded,
        *,
        dtype: torch.dtype,
        budget: float | None = None,
        perceptual: str | Perceptual | None = None,
        judge: Judge | None = None,
        banks: str | Path = "",
        compiles: bool = False,
    ) -> None:
        check_types(generator.model, scorer.model)
        self.generator, self.scorer, self.dtype, self.budget = generator, scorer, dtype, budget
        self.device = generator.device
        self.judge, self.compiles = judge, compiles
        self._perceptual, self._banks = perceptual, banks
        self._distances: dict[str, Loaded] = {}
        self._checked = False
        self._bank: LatentBank | None = None
        self._shared: dict[BankRecipe, LatentBank] = {}

    def drawing_with(self, generator: Loaded) -> Engine:
        """The same with another generator."""
        return self._like(generator, compiles=self.compiles)

    @property
    def uncompiled(self) -> Engine:
        """The same, with models that run as they are everywhere."""
        return self._like(self.generator, compiles=False) if self.compiles else self

    def _like(self, generator: Loaded, *, compiles: bool) -> Engine:
        own = {"dtype": self.dtype, "budget": self.budget, "perceptual": self._perceptual, "judge": self.judge}
        return Engine(generator, self.scorer, **own, banks=self._banks, compiles=compiles)

    @cached_property
    def at_work(self) -> tuple[Generator, Scorer | Reward]:
        """The models as an objective calls them, in every step: compiled, where that was asked for.

        Search, bank, report and judge have the models as they are: what they make of a picture or of a text does not depend on
        who drew it, and every shape more takes tens of seconds to compile.
        """
        models = self.generator.model, self.scorer.model
        return (compiled_generator(models[0]), compiled_scorer(models[1])) if self.compiles else models

    def rows(self, pairs: Sequence[tuple[Prompt, int]]) -> Rows:
        """Rows of these prompts and seeds, read by the scorer. Raises PluginContractError where the models break theirs."""
        self.check_once()
        return Rows.of(self.scorer.model, pairs)

    def check_once(self) -> None:
        """The models keep their contracts, tried out on the first call. Raises PluginContractError."""
        if not self._checked:
            check_first_use(self.generator.model, self.scorer.model)
            self._checked = True

    def faults(self) -> AbstractContextManager[None]:
        """A block in which an error of a model's own code is told with its name. Raises PluginFault."""
        return named_faults({"the generator": self.generator.model, "the scorer": self.scorer.model})

    def precision(self) -> AbstractContextManager[object]:
        """The context in which models run."""
        return autocast(self.device, self.dtype)

    @cached_property
    def perceptual(self) -> Loaded:
        """The distance of two pictures. Raises WeightsError, PluginImportError, UnknownPlugin: it cannot be had."""
        if self._perceptual is None:
            return default_perceptual(self.device, self.scorer.model)
        return loaded_perceptual(self._perceptual, self.device, self.scorer.model)

    def distance(self, name: str) -> Loaded:
        """Another distance of two pictures by its name, loaded on its first use. Errors as of `perceptual`."""
        if name not in self._distances:
            self._distances[name] = loaded_perceptual(name, self.device, self.scorer.model)
        return self._distances[name]

    @property
    def label(self) -> str:
        """For people: which models these are."""
        return f"{self.generator.label} with {self.scorer.label}"

    @property
    def about(self) -> str:
        """For people: which models, how large their pictures are, in which number format and where."""
        height, width = self.generator.model.resolution
        how = f"{str(self.dtype).removeprefix('torch.')} on {self.device}{', compiled' if self.compiles else ''}"
        return f"{self.label}: {height} x {width} pixels, {how}"

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
            views=settings.search_views,
            count=settings.bank_views,
            precision=str(self.dtype).removeprefix("torch."),
        )

    def bank(self, settings: Settings, *, progress: bool = True) -> LatentBank:
        """The latent bank: from memory or a file, or built now and cached; where another process builds it, it is waited for.

        Raises:
            InvalidInput: no bank can serve these models. OutputError: the cache cannot be written, or has no room.
        """
        bank = self.known_bank(settings) if self.has_bank else None
        return self.new_bank(settings, None, progress=progress) if bank is None else bank

    def new_bank(self, settings: Settings, folder: str | Path | None, *, progress: bool = True) -> LatentBank:
        """A bank that is built into a folder, whatever others there are; without one into the user's cache, if it is not there.

        Raises:
            As `bank`.
        """
        if not self.has_bank:
            raise InvalidInput(
                "bank", expected="a scorer with embeddings and a generator that ignores the prompt", got="models without them"
            )
        recipe = self.bank_recipe(settings)
        path = recipe.path if folder is None else Path(folder) / recipe.path.name
        check_writable(path, argument="cache" if folder is None else "out")
        models, about = (self.generator.model, self.scorer.model), {"models": self.label, "precision": self.precision}
        with ExitStack() as alone:
            with bar(ANOTHER, progress) as advance:
                alone.enter_context(turn(path, recipe.size, said_once(f"{ANOTHER}: waiting for it.", advance)))
            bank = self.known_bank(settings) if folder is None else None  # another process may have built it
            if bank is None:
                with bar("building the latent bank", progress) as advance:
                    bank = build_file(*models, recipe, path, **about, progress=advance)
        self._bank = bank
        return bank

    def known_bank(self, settings: Settings) -> LatentBank | None:
        """The latent bank, if it is there: from memory, the user's cache folder, or what ships with models. None is built."""
        recipe = self.bank_recipe(settings)
        if recipe in self._shared:
            return self._shared[recipe]
        bank = self._bank  # read once: another thread may ask for another
        if bank is not None and bank.recipe == recipe:
            return bank
        self._bank = None
        for path in self._places(recipe):
            with suppress(WeightsError, FingerprintMismatch):  # missing, damaged, or of other models: look on
                bank = self._bank = LatentBank.load(path, recipe)
                return bank
        return None

    def share_bank(self, bank: LatentBank) -> None:
        """Have a bank that is in memory already, as that of another machine is; it is looked for in no file then."""
        self._shared[bank.recipe] = bank

    def _places(self, recipe: BankRecipe) -> Iterator[Path]:
        """Where its file may be. What ships with installed pairs is only looked for where it is in no other."""
        yield recipe.path
        if self._banks:
            yield Path(self._banks) / recipe.path.name
        for folder in shipped_banks():
            yield Path(folder) / recipe.path.name


def said_once(note: str, advance: Advance) -> Advance:
    """The same, which also leaves a note the first time: a bar is shown to nobody who reads a file or a pipe."""
    notes = [note]

    def told(done: int, total: int) -> None:
        while notes:
            log.info(notes.pop())
        advance(done, total)

    return told
