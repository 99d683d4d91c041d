"""What a picture should and should not look like: weighted texts and pictures, which add up.

    fd.Prompt("a blue dog") - 0.3 * fd.Prompt("text")
    fd.Prompt("a blue dog | text:-0.3")                     # the same
    fd.Prompt("a dog") + 0.5 * fd.Prompt(image="sketch.png")

Cosines are linear in the embedding of the prompt, so a sum of prompts is one embedding, and everything that takes a
sentence takes it too: search, banks, AugCLIP, composition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.bounds import MOST_LETTERS, MOST_PARTS, WEIGHT
from fusedream_sdk.runtime.checks import is_finite, kind_of

if TYPE_CHECKING:  # checking sentences needs no torch
    from torch import Tensor

    from fusedream_sdk.imaging.pictures import PictureLike

BAR = "|"
SAY = "Say what the picture should show."
UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, undecodable bytes
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
PICTURE = re.compile(r"image\([0-9a-f]{12}\)")


@dataclass(frozen=True)
class Term:
    """One part of a prompt.

    Attributes:
        text: a sentence; of a picture `image(...)`, with the beginning of its fingerprint.
        weight: how much it counts; below 0 to steer away.
        picture: (3, H, W) in [0, 1], if it is one.
    """

    text: str
    weight: float = 1.0
    picture: Tensor | None = field(default=None, compare=False, repr=False)

    @property
    def missing(self) -> bool:
        """Whether it stands for a picture that is not there, as in a prompt that was read from a recipe."""
        return self.picture is None and PICTURE.fullmatch(self.text) is not None


class Prompt:
    """Weighted texts and pictures. Prompts can be added, subtracted, and multiplied by numbers.

    A picture's score is the weighted sum of its scores for all parts, divided by the sum of the weights' magnitudes; so only
    the weights' proportions matter, and scores of different prompts have one scale.

    Args:
        text: a sentence, or several with weights as `"a blue dog | text:-0.3"`; a weight that is left out is 1. Without a
            bar a sentence is read as it is, a number at its end included. At most 10,000 letters, 100 parts, and weights of a
            thousand million.
        image: a picture in place of a text, for "looks like this": a file, a Pillow image, or (3, H, W) in [0, 1].

    Attributes:
        terms: its parts, each text once, none with weight 0.

    Raises:
        InvalidInput: both or neither are given, a part is empty, there is too much of it, or the picture cannot be read.
    """

    __slots__ = ("terms",)
    terms: tuple[Term, ...]

    def __init__(self, text: str | None = None, *, image: PictureLike | None = None) -> None:
        if (text is None) == (image is None):
            got = "neither" if text is None else "both"
            raise InvalidInput("Prompt", expected="a text or an image", got=got, fix="Add prompts up for both.")
        if text is not None:
            check_text("Prompt", text)
            self.terms = merge(parse(text))
            return
        from fusedream_sdk.imaging.pictures import read_picture
        from fusedream_sdk.models.fingerprint import fingerprint_of

        picture = read_picture("image", image)
        self.terms = (Term(f"image({fingerprint_of({'picture': picture})[:12]})", 1.0, picture),)

    @classmethod
    def of(cls, terms: Sequence[Term]) -> Prompt:
        """A prompt of these parts, those with one text added up."""
        made = cls.__new__(cls)
        made.terms = merge(terms)
        return made

    @property
    def subject(self) -> str:
        """The text that counts most, for a generator that is itself conditioned on one; empty where there is none."""
        texts = [term for term in self.terms if term.weight > 0 and not PICTURE.fullmatch(term.text)]
        return max(texts, key=lambda term: term.weight).text if texts else ""

    def shares(self) -> list[float]:
        """The weight of each part, divided by the sum of their magnitudes."""
        whole = sum(abs(term.weight) for term in self.terms)
        return [term.weight / whole for term in self.terms]

    def shared(self) -> list[tuple[Term, float]]:
        """The parts, each with its share."""
        return list(zip(self.terms, self.shares(), strict=True))

    def with_pictures(self, pictures: Sequence[PictureLike]) -> Prompt:
        """The same prompt with the pictures, found by their fingerprints, that a recipe does not hold."""
        found = {term.text: term.picture for one in pictures for term in Prompt(image=one).terms}
        return Prompt.of([replace(t, picture=found.get(t.text)) if t.missing else t for t in self.terms])

    def __add__(self, other: Prompt | str) -> Prompt:
        return Prompt.of([*self.terms, *as_prompt(other).terms]) if isinstance(other, (Prompt, str)) else NotImplemented

    def __radd__(self, other: str) -> Prompt:
        return as_prompt(other) + self if isinstance(other, str) else NotImplemented

    def __sub__(self, other: Prompt | str) -> Prompt:
        return self + -as_prompt(other) if isinstance(other, (Prompt, str)) else NotImplemented

    def __rsub__(self, other: str) -> Prompt:
        return as_prompt(other) - self if isinstance(other, str) else NotImplemented

    def __neg__(self) -> Prompt:
        return self * -1

    def __mul__(self, weight: float) -> Prompt:
        if not is_finite(weight):
            fix = "Give one such as 0.5 or -1."
            raise InvalidInput("weight", expected="a finite number to multiply a prompt by", got=weight, fix=fix)
        return Prompt.of([replace(term, weight=term.weight * float(weight)) for term in self.terms])

    __rmul__ = __mul__

    def __truediv__(self, weight: float) -> Prompt:
        if not is_finite(weight) or not weight:
            expected = "a number other than 0 to divide a prompt by"
            raise InvalidInput("weight", expected=expected, got=weight, fix="Leave it out.")
        return self * (1 / weight)

    def __str__(self) -> str:
        """As `Prompt` reads it: `Prompt(str(prompt)) == prompt`, but for pictures, which a text cannot hold."""
        if len(self.terms) == 1 and self.terms[0].weight == 1:
            return self.terms[0].text
        shown = f" {BAR} ".join(map(_shown, self.terms))
        return f"{shown} {BAR}" if len(self.terms) == 1 else shown

    def __repr__(self) -> str:
        return f"Prompt({str(self)!r})"

    def _repr_html_(self) -> str:
        from fusedream_sdk.imaging.cards import Cell, html_table
        from fusedream_sdk.imaging.pictures import to_pil

        def part(term: Term) -> Cell:
            return term.text if term.picture is None else [to_pil(term.picture), term.text]

        return html_table(("part", "share"), [(part(term), f"{share:+.0%}") for term, share in self.shared()])

    def __eq__(self, other: object) -> bool:
        return self.terms == other.terms if isinstance(other, Prompt) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.terms)


PromptLike: TypeAlias = str | Prompt
"""A prompt, or the text that `Prompt` reads."""


def as_prompt(prompt: PromptLike) -> Prompt:
    """A prompt of a text, or as it is. Raises InvalidInput as `Prompt`."""
    return prompt if isinstance(prompt, Prompt) else Prompt(prompt)


def parse(text: str) -> list[Term]:
    """The parts of `"a blue dog | text:-0.3"`. Raises InvalidInput where one is empty."""
    if BAR not in text:
        return [_term(text, text, 1.0)]
    parts = text.split(BAR)
    if not parts[-1].strip():  # a bar at the end says that a single part is weighted
        parts.pop()
    terms = []
    for part in parts:
        said, weight = split_weight(part.strip())
        terms.append(_term(said, text, weight))
    return terms


def split_weight(text: str) -> tuple[str, float]:
    """`"a dog:0.5"` as a text and its weight, which is 1 where none is said. Raises InvalidInput for one out of bounds."""
    said, _, number = text.rpartition(":")
    if not ends_as_weighted(text):
        return text, 1.0
    return said.rstrip(), check_weight(float(number), number.strip())


def ends_as_weighted(text: str) -> bool:
    """Whether a text would be read as one with its weight."""
    return NUMBER.fullmatch(text.rpartition(":")[2].strip()) is not None and ":" in text


def check_weight(weight: float, written: object = None) -> float:
    """A weight inside its bounds. Raises InvalidInput otherwise, which quotes it as it was written."""
    if not WEIGHT.holds(weight):
        got, fix = weight if written is None else written, "Only the proportions of weights count: make all of them smaller."
        raise InvalidInput("Prompt", expected=f"weights {WEIGHT.span}", got=got, fix=fix)
    return weight


def check_text(argument: str, text: object) -> None:
    """A text that can be read and written. Raises InvalidInput for another kind, undecodable bytes, or one too long."""
    if not isinstance(text, str):
        raise InvalidInput(argument, expected="a text", got=kind_of(text), fix="A picture is Prompt(image=...).")
    if len(text) > MOST_LETTERS:
        fix = "Say less: a scorer reads some 300 letters of each part."
        raise InvalidInput(argument, expected=f"at most {MOST_LETTERS:,} letters", got=f"{len(text):,}", fix=fix)
    odd = UNREADABLE.search(text)
    if odd:
        kind = "a byte that is no UTF-8" if "\ud800" <= odd[0] <= "\udfff" else f"the control character {odd[0]!r}"
        raise InvalidInput(argument, expected="a readable text", got=f"{kind} as letter {odd.start() + 1}", fix="Remove it.")


def merge(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Each text once, with the sum of its weights; those that cancel out are gone. Raises InvalidInput for too much."""
    merged: dict[str, Term] = {}
    for term in terms:
        known = merged.get(term.text)
        merged[term.text] = term if known is None else replace(known, weight=known.weight + term.weight)
    kept = tuple(term for term in merged.values() if check_weight(term.weight))
    if len(kept) > MOST_PARTS:
        raise InvalidInput("Prompt", expected=f"at most {MOST_PARTS} parts", got=f"{len(kept):,}", fix="Leave some out.")
    return kept


def check_prompts(prompts: PromptLike | Sequence[PromptLike]) -> list[Prompt]:
    """One prompt or several. Raises InvalidInput for none, for one that says nothing, or for something else."""
    alone = isinstance(prompts, (str, Prompt))
    listed = [prompts] if alone else prompts
    if not isinstance(listed, (list, tuple)) or not all(isinstance(p, (str, Prompt)) for p in listed):
        raise InvalidInput("prompts", expected="a sentence or a list of sentences", got=prompts, fix=SAY)
    if not listed:
        raise InvalidInput("prompts", expected="at least one sentence", got="an empty list", fix=SAY)
    return [check_prompt("prompts" if alone else f"prompts[{i}]", prompt) for i, prompt in enumerate(listed)]


def check_prompt(argument: str, prompt: PromptLike, fix: str = SAY) -> Prompt:
    """A prompt that can be optimised. Raises InvalidInput for one that is empty, only negative, or lacks its picture."""
    if isinstance(prompt, str) and not prompt.strip():
        raise InvalidInput(argument, expected="a sentence", got="an empty one", fix=fix)
    try:
        prompt = as_prompt(prompt)
    except InvalidInput as error:
        raise InvalidInput(argument, expected=error.expected, got=error.got, fix=error.fix) from error
    if not any(term.weight > 0 for term in prompt.terms):
        raise InvalidInput(argument, expected="a part with a weight above 0", got=f"{str(prompt)!r}", fix=fix)
    for term in prompt.terms:
        if term.missing:
            fix = "Make it with fd.Prompt(image=...), or pass it: replay(picture, image_prompts=[...])."
            raise InvalidInput(argument, expected=f"the picture of {term.text}", got="its name alone", fix=fix)
    return prompt


def _term(text: str, whole: str, weight: float) -> Term:
    if not text.strip():
        raise InvalidInput("Prompt", expected=f"parts that say something, between the {BAR}", got=f"{whole!r}", fix=SAY)
    return Term(text.strip(), weight)


def _shown(term: Term) -> str:
    """A part with its weight, left out where it is 1 and the text does not end as with one."""
    if term.weight == 1 and not ends_as_weighted(term.text):
        return term.text
    return f"{term.text}:{float(term.weight)!r}".removesuffix(".0")
