"""The dual encoders that ship with the package, without transformers.

Importing transformers takes longer than everything else at the start of a run on them together. Their files are ours and their
architectures two, so a few small modules (`encoders`, `convnext`) read the same files to the same fingerprint. Weights that
anybody else brings are loaded by `loading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tokenizers
import torch

from fusedream_clip.encoders import DualEncoder
from fusedream_clip.processors import check_processor
from fusedream_clip.prompts import LongPrompts
from fusedream_clip.scorer import ClipScorer
from fusedream_clip.sizes import read_sizes
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.weights import check_tensors, first_line, read_tensors
from fusedream_sdk.runtime.plain import read_json

AGAIN = "It comes with the package: install fusedream-sdk again."


def load_shipped(
    folder: Path,
    *,
    device: str | torch.device = "cpu",
    long_prompts: LongPrompts = "warn",
    revision: str | None = None,
    cache_dir: str | Path | None = None,
) -> ClipScorer:
    """Load a dual encoder that ships with the package; the scorer that `fusedream_clip.load` makes of the same folder.

    Args:
        folder: a CLIP, or a pair of ConvNeXt and CLIP's text tower, as `save_pretrained` writes them, with CLIP's tokenizer.
        device, long_prompts: as of `fusedream_clip.load`.
        revision: None, as there is only one.
        cache_dir: of no effect, as nothing is fetched.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: files that are missing or damaged.
    """
    if revision is not None:
        raise InvalidInput("revision", expected="None, as weights is a folder", got=revision)
    model, processor = read_shipped(folder)
    return ClipScorer(model, processor, long_prompts=long_prompts, source=str(folder)).to(device)


def read_shipped(folder: Path) -> tuple[DualEncoder, SimpleNamespace]:
    """Model (float32, frozen, eval mode, on the CPU) and processor, as `ClipScorer` takes them. Raises WeightsError."""
    path = folder / "model.safetensors"
    try:
        model = DualEncoder(attributes(read_sizes(folder / "config.json")))
        images, texts = (attributes(read_json(folder / f"{name}_config.json")) for name in ("preprocessor", "tokenizer"))
        tensors = read_tensors(path)
        check_tensors(model.state_dict(), tensors, path, model="its config.json", advice=AGAIN)
        model.load_state_dict(tensors, assign=True)
        tokenizer = ShippedTokenizer(folder / "tokenizer.json", texts)
        processor = SimpleNamespace(tokenizer=tokenizer, image_processor=images)
        check_processor(processor, model, str(folder))
    except WeightsError:
        raise
    except Exception as error:  # whatever a damaged file sets off
        raise WeightsError(f"weights: {str(folder)!r} is damaged ({first_line(error)}). {AGAIN}") from error
    return model.eval().requires_grad_(False), processor


class ShippedTokenizer:
    """CLIP's tokenizer, called as one of transformers is.

    Args:
        path: of a tokenizer.json.
        settings: what tokenizer_config.json says, as attributes.
    """

    def __init__(self, path: Path, settings: Any) -> None:
        self.reader = tokenizers.Tokenizer.from_file(str(path))
        self.model_max_length = int(settings.model_max_length)
        self.end = self.reader.token_to_id(settings.eos_token)
        if self.end is None or settings.pad_token != settings.eos_token:
            raise ValueError(f"{path.name}: expected the token {settings.eos_token!r} to end a text and to pad it")

    def get_vocab(self) -> dict[str, int]:
        """Every token with its number."""
        return self.reader.get_vocab()

    def __call__(self, texts: str | Sequence[str], *, max_length: int | None = None, **options: object) -> dict[str, Any]:
        """Tokens of a text as a list, or of N texts as a tensor (N, T), of at most `max_length` and padded to the longest.

        Other options are those by which transformers is asked for just that.
        """
        if isinstance(texts, str):
            return {"input_ids": self.reader.encode(texts).ids}
        rows = [self.reader.encode(text).ids for text in texts]
        if max_length is not None:
            rows = [ids if len(ids) <= max_length else [*ids[: max_length - 1], self.end] for ids in rows]
        longest = max(map(len, rows))
        return {"input_ids": torch.tensor([ids + [self.end] * (longest - len(ids)) for ids in rows])}


def attributes(values: Any) -> Any:
    """Objects of JSON with their entries as attributes, at any depth."""
    return SimpleNamespace(**{key: attributes(value) for key, value in values.items()}) if isinstance(values, dict) else values
