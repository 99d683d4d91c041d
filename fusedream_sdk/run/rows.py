"""What is asked for: a prompt and a seed for every row, embedded once for everything that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.run.estimate import check_rows
from fusedream_sdk.runtime.checks import check_seeds
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, check_prompts
from fusedream_sdk.scoring.target import PromptTarget, RewardTarget, make_target


@dataclass(frozen=True)
class Rows:
    """Rows of a run.

    Attributes:
        prompts, seeds: of each row.
        target: how well pictures fit them; here the scorer has read the prompts, and nowhere else.
    """

    prompts: tuple[Prompt, ...]
    seeds: tuple[int, ...]
    target: PromptTarget | RewardTarget

    @classmethod
    def of(cls, scorer: Scorer | Reward, pairs: Sequence[tuple[Prompt, int]]) -> Rows:
        """Read the prompts, each once. Raises InvalidInput for a picture that the scorer cannot compare with."""
        prompts = tuple(prompt for prompt, _ in pairs)
        return cls(prompts, tuple(seed for _, seed in pairs), make_target(scorer, prompts))

    def __len__(self) -> int:
        return len(self.prompts)

    def take(self, index: Sequence[int]) -> Rows:
        """The rows at `index`, in its order."""
        prompts, seeds = tuple(self.prompts[i] for i in index), tuple(self.seeds[i] for i in index)
        return Rows(prompts, seeds, self.target.take(index))

    def repeat(self, times: int) -> Rows:
        """Every row so often, one beside the other."""
        return self if times == 1 else self.take([row for row in range(len(self)) for _ in range(times)])


def each_with_each(prompts: PromptLike | Sequence[PromptLike], seeds: int | Sequence[int]) -> list[tuple[Prompt, int]]:
    """P x S rows, prompt by prompt. Raises InvalidInput for a prompt or seed that cannot be used."""
    asked, numbers = check_prompts(prompts), check_seeds(seeds)
    check_rows(len(asked) * len(numbers))
    return [(prompt, seed) for prompt in asked for seed in numbers]


def chosen(index: int | slice | Sequence[int], count: int) -> list[int]:
    """Which of so many rows an index means: one, a slice of them, or some by their numbers."""
    found = list(range(count))[index] if isinstance(index, (int, slice)) else list(index)
    return [found] if isinstance(found, int) else found
