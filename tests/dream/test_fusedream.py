"""From sentences to a Result, on toy models."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.latents import Latents, LatentSpec, contains
from fusedream_sdk.models.loading import ModelPair
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.result import Result
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyGenerator, ToyReward, random_latents

MakeDream = Callable[..., FuseDream]
PROMPTS, SEEDS = ["a red ball", "a blue ball"], [3, 4]


class Prompted(ToyGenerator):
    """A toy whose ground is a condition: a frozen entry that comes from the prompt."""

    space = {**ToyGenerator.space, "ground": LatentSpec((1,), frozen=True)}  # noqa: RUF012

    def sample(self, n: int, *, rng: torch.Generator, prompts: Sequence[str] = ("",)) -> Latents:
        assert len(prompts) == n
        ground = torch.tensor([[len(p) / 100] for p in prompts])
        return {**super().sample(n, rng=rng), "ground": ground}

    def __call__(self, latents: Latents) -> Tensor:
        return (0.8 * super().__call__(latents) + 0.2 * latents["ground"][:, :, None, None]).clamp(0, 1)


def same_rows(a: Result, b: Result, atol: float = 1e-4) -> None:
    torch.testing.assert_close(a.images, b.images, atol=atol, rtol=0)
    for name in a.latents:
        torch.testing.assert_close(a.latents[name], b.latents[name], atol=atol, rtol=0)
    assert (a.prompts, a.seeds, a.status) == (b.prompts, b.seeds, b.status)
    assert torch.equal(a.best_step, b.best_step)


def test_rows_are_every_prompt_with_every_seed_prompt_by_prompt(dream: FuseDream):
    result = dream.generate(PROMPTS, seeds=SEEDS, progress=False)
    assert result.prompts == ("a red ball", "a red ball", "a blue ball", "a blue ball")
    assert result.seeds == (3, 4, 3, 4)
    assert result.images.shape == (4, 3, 16, 16)
    assert result.status == ("done",) * 4
    assert result.history["augclip"].shape == (7, 4)
    assert contains(result.latents, dream.generator.space)


@pytest.mark.parametrize("mix", ["best", "paper", "random"])
def test_a_row_alone_equals_the_row_in_a_batch(make_dream: MakeDream, mix: str):
    options = {"progress": False, "noise": 0.05, "mix": mix}
    together = make_dream().generate(PROMPTS, seeds=SEEDS, **options)
    for row, (prompt, seed) in enumerate(zip(together.prompts, together.seeds, strict=True)):
        same_rows(make_dream().generate(prompt, seeds=seed, **options), together[row])


def test_chunks_of_one_row_give_the_same_result_as_one_batch(make_dream: MakeDream):
    sizes: list[int] = []

    def watch(state: State, rows: Sequence[int]) -> None:
        sizes.append(len(rows))

    chunked = make_dream(memory_gb=1e-9).generate(PROMPTS, seeds=SEEDS, progress=False, watch=watch)
    assert set(sizes) == {1}
    same_rows(chunked, make_dream(memory_gb=4).generate(PROMPTS, seeds=SEEDS, progress=False))


def test_the_latents_of_a_result_draw_its_images_again(dream: FuseDream):
    result = dream.generate(PROMPTS, progress=False, noise=0.1)
    with torch.no_grad():
        torch.testing.assert_close(dream.generator(result.latents), result.images, atol=1e-6, rtol=0)


def test_the_picture_comes_to_fit_its_prompt(make_dream: MakeDream):
    dream = make_dream(settings={"steps": 40, "views": 8})
    result = dream.generate(["red", "blue"], progress=False)
    red, blue = result.images.mean(dim=(2, 3))
    assert red[0] > red[2] + 0.3
    assert blue[2] > blue[0] + 0.3
    start = dream.generate(["red", "blue"], progress=False, steps=1, lr=1e-9)
    assert (result.scores["augclip"] > start.scores["augclip"]).all()


def test_the_search_begins_with_better_pictures_than_a_single_draw(dream: FuseDream):
    searched = next(dream.iterate("red", seeds=range(5))).evaluation.primary
    drawn = next(dream.iterate("red", seeds=range(5), samples=1, basis=1)).evaluation.primary
    assert searched.mean() < drawn.mean()


def test_a_single_start_is_drawn_from_the_seed_and_needs_no_bank(make_dream: MakeDream, own_cache: Path):
    options = {"progress": False, "samples": 1, "basis": 1, "steps": 1, "lr": 1e-9}
    result = make_dream().generate(["red", "blue"], seeds=[0, 1], **options)
    assert torch.equal(result.images[0].gt(0.5), result.images[2].gt(0.5))
    assert not torch.allclose(result.images[0], result.images[1], atol=0.01)
    assert os.listdir(own_cache) == []


def test_settings_of_the_call_win_over_the_objects_which_win_over_the_pairs_and_the_generators(
    install: Callable[..., Path],
):
    class Recommending(ToyGenerator):
        recommended = {"steps": 11, "views": 12, "lr": 0.13, "noise": 0.14}  # noqa: RUF012

    pair = ModelPair("toy-g", "toy-s", settings={"views": 22, "lr": 0.23, "noise": 0.24})
    install(
        "toys",
        """
        [fusedream_sdk.generators]
        toy-g = toys:generator
        [fusedream_sdk.scorers]
        toy-s = toys:scorer
        """,
        toys="""
        from fusedream_sdk.testing import ToyGenerator, ToyScorer
        class Recommending(ToyGenerator):
            recommended = {"steps": 11, "views": 12, "lr": 0.13, "noise": 0.14}
        def generator(device=None): return Recommending(16)
        def scorer(device=None): return ToyScorer(8)
        """,
    )
    dream = FuseDream(pair, settings={"lr": 0.33, "noise": 0.34})
    settings = dream.settings.replace(noise=0.44)
    assert (settings.steps, settings.views, settings.lr, settings.noise) == (11, 22, 0.33, 0.44)
    result = dream.generate("red", progress=False, noise=0.44, steps=2, bank=64, samples=64)
    assert result.recipe.settings.noise == 0.44
    assert dream.settings.noise == 0.34
    mixed = FuseDream(pair, generator=Recommending(16))
    assert mixed.settings.views == 12  # what suits the pair need not suit another generator


def test_plain_clip_is_a_setting(dream: FuseDream):
    result = dream.generate("red", progress=False, augment=NO_VIEWS, noise=0.0)
    optimised = -result.history["augclip"][result.best_step[0]]
    torch.testing.assert_close(optimised, result.scores["clip"], atol=0.02, rtol=0)  # of the picture itself
    assert (result.scores["augclip"] < result.scores["clip"]).all()  # the report has views all the same


def test_a_prompt_conditioned_generator_is_searched_without_a_bank_and_its_condition_stays(
    make_dream: MakeDream, own_cache: Path
):
    result = make_dream(Prompted(16)).generate(["red", "a long blue prompt"], seeds=[0, 1], progress=False, noise=0.1)
    expected = [0.03, 0.03, 0.18, 0.18]
    torch.testing.assert_close(result.latents["ground"][:, 0], torch.tensor(expected))
    same_rows(make_dream(Prompted(16)).generate("a long blue prompt", seeds=1, progress=False, noise=0.1), result[3])
    assert os.listdir(own_cache) == []


def test_a_prompt_conditioned_generator_is_told_the_part_that_counts_most(make_dream: MakeDream):
    result = make_dream(Prompted(16)).generate("red | blue ball:2 | cold:-3", steps=1)
    assert result.latents["ground"].tolist() == [[pytest.approx(len("blue ball") / 100)]]


@pytest.mark.parametrize("mix", ["paper", "best"])
def test_a_negative_prompt_leads_away_from_what_it_names(make_dream: MakeDream, mix: str):
    dream = make_dream(settings={"steps": 60, "views": 4, "mix": mix})
    plain, away = (dream.generate(p).images for p in ("red | white", Prompt("red") + "white" - Prompt("green")))
    assert away[:, 1].mean() < plain[:, 1].mean()


def test_an_image_prompt_leads_to_its_picture(make_dream: MakeDream):
    dream = make_dream(settings={"steps": 40, "augment": NO_VIEWS})
    wanted = dream.generator(random_latents(dream.generator, 4, seed=7))
    assert (dream.generate([Prompt(image=picture) for picture in wanted]).scores["clip"] > 0.95).all()


def test_a_reward_without_embeddings_steers_too(make_dream: MakeDream):
    dream = make_dream(scorer=ToyReward(), settings={"steps": 30})
    result = dream.generate(["red", "blue"], progress=False, bank=20, samples=20)
    red, blue = result.images.mean(dim=(2, 3))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    same_rows(dream.generate("blue", progress=False, bank=20, samples=20), result[1])


def test_models_without_embeddings_have_no_bank(make_dream: MakeDream):
    for dream in (make_dream(scorer=ToyReward()), make_dream(Prompted(16))):
        with pytest.raises(InvalidInput, match="bank: expected a scorer with embeddings and a generator that ignores"):
            dream.bank()


def test_the_bank_is_built_once_and_read_from_the_cache_by_the_next_process(make_dream: MakeDream, own_cache: Path):
    calls: list[int] = []

    class Counting(ToyGenerator):
        fingerprint = "counting"

        def __call__(self, latents: Latents) -> Tensor:
            calls.append(len(latents["z"]))
            return super().__call__(latents)

    first = make_dream(Counting(16))
    bank = first.bank(progress=False)
    assert sum(calls) == 96
    assert first.bank(progress=False) is bank
    (file,) = (own_cache / "banks").iterdir()
    second = make_dream(Counting(16)).bank(progress=False)
    assert torch.equal(second.embeddings, bank.embeddings)
    assert sum(calls) == 96
    file.write_bytes(file.read_bytes()[:-7])
    torch.testing.assert_close(make_dream(Counting(16)).bank(progress=False).embeddings, bank.embeddings)
    assert sum(calls) == 2 * 96
    make_dream(Counting(16)).bank(progress=False)
    assert sum(calls) == 2 * 96


def test_a_cache_that_cannot_be_written_is_told(make_dream: MakeDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="FUSEDREAM_CACHE"):
        make_dream().generate("red", progress=False)


def test_a_user_drives_the_same_optimisation_step_by_step(dream: FuseDream):
    states = list(dream.iterate("red", seeds=[1, 2]))
    result = dream.generate("red", seeds=[1, 2], progress=False)
    assert [s.step for s in states] == list(range(7))
    torch.testing.assert_close(states[-1].best.latents["z"], result.latents["z"])


def test_bfloat16_draws_a_similar_picture(make_dream: MakeDream):
    exact, coarse = (make_dream(dtype=d).generate("red", progress=False) for d in ("float32", "bfloat16"))
    assert coarse.recipe.dtype == "bfloat16"
    assert abs(float(exact.scores["augclip"] - coarse.scores["augclip"])) < 0.1


def test_the_recipe_names_the_method_the_models_and_the_settings(dream: FuseDream):
    recipe = dream.generate("red", progress=False, steps=2).row_json(0)
    assert recipe["generator"]["class"] == "fusedream_sdk.testing.ToyGenerator"
    assert re.fullmatch("[0-9a-f]{64}", recipe["generator"]["fingerprint"])
    assert recipe["settings"]["steps"] == 2
    assert (recipe["method"], recipe["prompt"], recipe["seed"], recipe["dtype"]) == ("generate", "red", 0, "float32")


def test_its_repr_says_which_models_on_what(dream: FuseDream, toys: Path):
    assert repr(dream) == "FuseDream(a ToyGenerator with a ToyScorer: 16 x 16 pixels, float32 on cpu)"
    named = FuseDream("toy", scorer={"toy": 1, "emoji": 0.5}, dtype="bfloat16")
    assert repr(named) == "FuseDream(toy with 1*toy + 0.5*emoji: 32 x 32 pixels, bfloat16 on cpu)"


def test_a_search_by_plain_clip_and_an_optimisation_of_augclip_go_together(dream: FuseDream):
    """As the public code does: the starts are those of a plain run, the losses of a run with views."""
    quick: dict[str, Any] = {"steps": 1, "noise": 0.0, "bank_views": 2}
    told: tuple[dict[str, Any], ...] = ({"augment": NO_VIEWS}, {}, {"search_augment": NO_VIEWS})
    plain, usual, both = (next(iter(dream.iterate("red", **quick, **changes))) for changes in told)
    assert all(torch.equal(x, both.params[name]) for name, x in plain.params.items())
    assert not all(torch.equal(x, both.params[name]) for name, x in usual.params.items())
    assert not torch.allclose(both.evaluation.primary, plain.evaluation.primary, atol=1e-3)


def test_a_pair_with_a_judge_scores_by_it_and_a_name_in_its_place_does_not(toys: Path):
    made = FuseDream("toy", dtype="float32").generate("red", progress=False)
    torch.testing.assert_close(made.scores["judge"], made.scores["clip"])  # of the toys, the judge is the scorer
    assert set(FuseDream("toy", scorer="toy", dtype="float32").generate("red", progress=False).scores) == {"augclip", "clip"}
    assert made.row_json(0)["scores"]["judge"] == pytest.approx(float(made.scores["judge"]), abs=1e-5)
    lucky = Result.concatenate([replace(made, scores={**made.scores, "judge": made.scores["judge"] + 9}), made])
    worse = replace(lucky, scores={**lucky.scores, "augclip": torch.tensor([0.1, 0.2])})
    assert float(worse.best().scores["augclip"]) == pytest.approx(0.2)
