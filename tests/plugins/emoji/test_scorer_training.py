"""Training the scorer and the judge: a tiny one learns, resumes exactly, and is saved in a form that transformers loads."""

from __future__ import annotations

import copy
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoProcessor, CLIPTokenizer

from fusedream_emoji.art import load_sprites
from fusedream_emoji.scenes import SceneSampler
from fusedream_emoji.training.batches import paint_flawed
from fusedream_emoji.training.contrast import Texts, contrast, image_features, on, text_features
from fusedream_emoji.training.models import PROJECTIONS, SHARED, Kind, build, halve
from fusedream_emoji.training.scorer import Lessons, Plan, Trainer
from fusedream_emoji.training.tokenizer import train_tokenizer
from fusedream_emoji.training.zero_shot import Encoder, Examiner, dimensions, examination, ranks

KINDS: tuple[Kind, ...] = ("scorer", "judge")


@pytest.fixture(scope="module")
def sprites() -> torch.Tensor:
    return load_sprites()


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return train_tokenizer()


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, sprites: torch.Tensor, tmp_path_factory: pytest.TempPathFactory):
    """A tiny model after three steps, and its folder."""
    trainer = Trainer(Plan(request.param, steps=3, batch=16, tiny=True), sprites)
    fresh = [p.detach().clone() for p in trainer.model.parameters()]
    losses = [trainer.advance()[0] for _ in range(3)]
    folder = tmp_path_factory.mktemp(request.param)
    trainer.write(folder)
    moved = [not torch.equal(a, b) for a, b in zip(fresh, trainer.model.parameters(), strict=True)]
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(moved) > 0.9 * len(moved)
    return trainer, folder


def test_folder_loads_through_auto_classes_and_gives_features(trained) -> None:
    trainer, folder = trained
    model = AutoModel.from_pretrained(folder, local_files_only=True)
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    assert (folder / "preprocessor_config.json").exists()
    tokens = processor(text=["a red cat", "a zebra on a blue background"], padding=True, return_tensors="pt")
    pixels = processor(images=[torch.zeros(3, 64, 64, dtype=torch.uint8)], return_tensors="pt")
    assert pixels["pixel_values"].shape == (1, 3, 64, 64)
    assert torch.allclose(pixels["pixel_values"], torch.tensor(-1.0))
    text = model.get_text_features(**tokens).pooler_output
    assert text.shape == (2, SHARED)
    assert torch.allclose(text, text_features(trainer.average, Texts.read(trainer.tokenizer, TEXTS)), atol=1e-5)
    assert model.get_image_features(**pixels).pooler_output.shape == (1, SHARED)


TEXTS = ["a red cat", "a zebra on a blue background"]


def test_halved_folder_is_half_as_big_and_still_loads_as_float32(trained, tmp_path: Path) -> None:
    _, folder = trained
    shutil.copytree(folder, tmp_path / "half")
    halve(tmp_path / "half")
    whole, half = (AutoModel.from_pretrained(f, local_files_only=True) for f in (folder, tmp_path / "half"))
    assert (tmp_path / "half/model.safetensors").stat().st_size < 0.6 * (folder / "model.safetensors").stat().st_size
    for a, b in zip(whole.parameters(), half.parameters(), strict=True):
        assert b.dtype == torch.float32
        assert torch.allclose(a, b, atol=1e-3, rtol=1e-3)


def test_padding_does_not_change_a_sentence(trained) -> None:
    trainer, _ = trained
    long = "a picture of a green crocodile to the left of a purple teapot on a yellow background in 3d style"
    alone = text_features(trainer.model, Texts.read(trainer.tokenizer, ["a cat"]))
    tokens = trainer.tokenizer(["a cat", long], padding=True, return_tensors="pt")
    padded = trainer.model.get_text_features(**tokens).pooler_output[:1]
    assert torch.allclose(alone, padded, atol=1e-5)


def test_resumed_run_goes_on_where_the_run_stopped(trained, sprites: torch.Tensor) -> None:
    trainer, folder = trained
    resumed = Trainer(trainer.plan, sprites)
    resumed.read(folder)
    for mine, its in zip(resumed.parts(), trainer.parts(), strict=True):
        assert str(mine.state_dict()) == str(its.state_dict())
    assert float(resumed.advance()[0]) == pytest.approx(float(copy.deepcopy(trainer).advance()[0]), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_projections_start_as_wide_as_clips(kind: Kind, tokenizer: CLIPTokenizer) -> None:
    model = build(kind, tokenizer, tiny=True)
    for name in PROJECTIONS:
        weight = model.get_parameter(f"{name}.weight")
        assert float(weight.detach().std()) == pytest.approx(weight.shape[1] ** -0.5, rel=0.05)


def test_fresh_projections_are_trained_alone_before_all_the_rest(trained, sprites: torch.Tensor) -> None:
    trainer, folder = trained
    again = Trainer(replace(trainer.plan, start=str(folder), settle=2, steps=9), sprites)
    before = {name: p.detach().clone() for name, p in again.model.named_parameters()}
    old = dict(trainer.average.named_parameters())
    assert {name for name, p in before.items() if not torch.equal(p, old[name])} == {f"{name}.weight" for name in PROJECTIONS}
    for step in range(3):
        again.advance()
        moved = {name for name, p in again.model.named_parameters() if not torch.equal(p, before[name])}
        assert (moved == {f"{name}.weight" for name in PROJECTIONS}) == (step < 2)


def test_all_patches_kept_is_the_model_itself(tokenizer: CLIPTokenizer) -> None:
    model = build("scorer", tokenizer, tiny=True)
    pixels = torch.rand(2, 3, 64, 64)
    whole = image_features(model, pixels, None)
    assert torch.allclose(image_features(model, pixels, 64), whole, atol=1e-4)


def test_known_names_are_whole_words(tokenizer: CLIPTokenizer) -> None:
    pieces = tokenizer.tokenize("a purple rhinoceros above a watermelon")
    assert pieces == ["a</w>", "purple</w>", "rhinoceros</w>", "above</w>", "a</w>", "watermelon</w>"]


@pytest.mark.parametrize("text", ["xylophonist", "Zürich", "日本 🍎", "!?", ""])
def test_unknown_words_fall_into_known_pieces(tokenizer: CLIPTokenizer, text: str) -> None:
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenizer.eos_token_id not in ids[1:-1]
    assert len(ids) > 2 or not text


def test_case_does_not_matter(tokenizer: CLIPTokenizer) -> None:
    assert tokenizer("A Red T-Rex")["input_ids"] == tokenizer("a red t-rex")["input_ids"]


def test_examination_asks_what_its_scenes_answer(trained, sprites: torch.Tensor) -> None:
    _, folder = trained
    encoder = Encoder(folder)
    pictures = torch.rand(2, 3, 64, 64)
    parts = dict(examination(Examiner(SceneSampler(sprites, 0)), 100))
    for question in parts["colour of 11"]:
        assert question.scene.things[0].colour in question.choices[question.right].split()
    for question in parts["background colour of 11"]:
        assert f"{question.scene.back_colour} background" in question.choices[question.right]
    for questions in parts.values():
        assert all(len(set(q.choices)) == len(q.choices) for q in questions)
    some = parts["size of 2"][:2]
    assert set(ranks(encoder, pictures, some).tolist()) <= {0, 1}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 warns of threads that a test before it has
def test_lessons_drawn_ahead_are_those_of_their_steps(sprites: torch.Tensor, tokenizer: CLIPTokenizer) -> None:
    lessons = Lessons(Plan("scorer", steps=3, batch=8, foils=2, tiny=True), sprites, tokenizer)
    ahead = list(lessons.ahead(1, workers=1))
    assert len(ahead) == 2
    for step, lesson in enumerate(ahead, 1):
        assert lesson is not None
        same = lessons[step]
        assert torch.equal(lesson.texts.parts[0]["input_ids"], same.texts.parts[0]["input_ids"])
        assert torch.equal(lesson.shown, same.shown)
        pictures = [paint_flawed(one.drawing, sprites, one.seed) for one in (lesson, same)]
        assert torch.equal(*pictures)


def test_without_workers_a_lesson_is_drawn_in_its_step(sprites: torch.Tensor, tokenizer: CLIPTokenizer) -> None:
    assert next(Lessons(Plan("judge", steps=3, batch=8, tiny=True), sprites, tokenizer).ahead(0, workers=0)) is None


def test_captions_compete_with_those_of_their_group_alone(sprites: torch.Tensor, tokenizer: CLIPTokenizer) -> None:
    lesson = Lessons(Plan("judge", steps=3, batch=8, groups=3, tiny=True), sprites, tokenizer)[0]
    assert lesson.groups == 3
    model = build("judge", tokenizer, tiny=True).eval()
    (loss, right), (all_loss, all_right) = (contrast(model, replace(lesson, groups=n), sprites) for n in (3, 1))
    assert loss < all_loss  # of the same pictures, with fewer captions to be taken for
    assert right >= all_right


def test_everything_of_a_lesson_goes_to_a_device(sprites: torch.Tensor, tokenizer: CLIPTokenizer) -> None:
    lesson = on(Lessons(Plan("judge", steps=3, batch=4, tiny=True), sprites, tokenizer)[0], torch.device("meta"))
    held = [
        lesson.shown,
        lesson.texts.order,
        *lesson.texts.parts[0].values(),
        lesson.drawing.back,
        lesson.drawing.layers[0].place,
    ]
    assert {x.device.type for x in held} == {"meta"}


def test_dimensions_are_those_that_hold_the_variance() -> None:
    rng = torch.Generator().manual_seed(0)
    wide = torch.randn(400, 5, generator=rng) @ torch.linalg.qr(torch.randn(16, 16, generator=rng))[0][:5]
    assert dimensions(wide + 3.0) == 5  # of 16; where they are centred does not matter
    assert dimensions(wide + 1e-3 * torch.randn(400, 16, generator=rng)) == 5
    assert dimensions(torch.randn(4000, 16, generator=rng)) == 16
