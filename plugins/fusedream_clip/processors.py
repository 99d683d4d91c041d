"""What a processor of transformers says about the images and texts that its model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.runtime.checks import is_number

LARGEST_SIDE = 4096  # of the images of a dual encoder, in pixels


def check_processor(processor: Any, model: Any, source: str) -> None:
    """A tokenizer of this model and an image processor that makes squares. Raises WeightsError."""
    for name in ("tokenizer", "image_processor"):
        if getattr(processor, name, None) is None:
            raise WeightsError(f"weights: {source!r} has no {name.replace('_', ' ')}; its files belong beside the model's.")
    check_vocabulary(processor.tokenizer, model, source)
    square_side(processor.image_processor, source)
    for values in statistics(processor.image_processor):
        if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(map(is_number, values)):
            raise WeightsError(f"weights: expected a mean and a deviation of three colours in the processor of {source!r}.")


def statistics(reader: Any) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation of the channels."""
    return (reader.image_mean, reader.image_std) if reader.do_normalize else ((0.0,) * 3, (1.0,) * 3)


def square_side(reader: Any, source: str) -> int:
    """The side that the image processor crops or resizes to. Raises WeightsError if it makes no squares of one size."""
    cropped = getattr(reader, "do_center_crop", False) and getattr(reader, "crop_size", None)
    size = reader.crop_size if cropped else getattr(reader, "size", None)
    height, width, shortest = (getattr(size, name, None) for name in ("height", "width", "shortest_edge"))
    side = height or shortest
    if not side or (width or side) != side:
        raise WeightsError(f"weights: expected images of one square size, but the processor of {source!r} has none.")
    if not isinstance(side, int) or side > LARGEST_SIDE:
        raise WeightsError(
            f"weights: expected images of at most {LARGEST_SIDE} pixels, but the processor of {source!r} has {side}."
        )
    return side


def text_window(tokenizer: Any, model: Any, stated: dict[str, Any]) -> int:
    """Tokens that a text may have: the least of what the tokenizer, the model and the processor say."""
    positions = getattr(text_config(model), "max_position_embeddings", None)
    limits = (tokenizer.model_max_length, positions, stated.get("max_length"))
    return int(min(limit for limit in limits if limit is not None))


def check_vocabulary(tokenizer: Any, model: Any, source: str) -> None:
    """Every token has an embedding, and most embeddings a token: without its files, a tokenizer loads all but empty."""
    vocabulary, count = tokenizer.get_vocab(), text_config(model).vocab_size
    highest = max(vocabulary.values())
    if highest >= count:
        raise WeightsError(f"weights: the tokenizer of {source!r} has tokens up to {highest}, its model only {count}.")
    if len(vocabulary) < count / 2:
        raise WeightsError(
            f"weights: the tokenizer of {source!r} has {len(vocabulary)} tokens, its model {count}. "
            f"Are tokenizer.json, or vocab.json and merges.txt, beside the model?"
        )


def text_config(model: Any) -> Any:
    """The part of a configuration that is about texts."""
    return getattr(model.config, "text_config", model.config)
