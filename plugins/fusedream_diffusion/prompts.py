"""Prompts as the text encoders of a pipeline read them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput

QUOTED = 60  # letters of a prompt that a message repeats


def encode(pipeline: Any, prompts: Sequence[str]) -> dict[str, Tensor]:
    """Prompts to what the network is told of them: float32, on the encoders' device.

    Args:
        pipeline: of `load_pipeline`.
        prompts: P of them; an empty one is read as such.

    Returns:
        "text": (P, L, D), one vector for each token: the last hidden states; of XL, the second-last ones of its encoders side
        by side. Of XL also "pooled": (P, E), of the last encoder.

    References:
        Podell et al. (2023). SDXL: improving latent diffusion models for high-resolution image synthesis. arXiv:2307.01952.
    """
    if isinstance(prompts, str) or not all(isinstance(prompt, str) for prompt in prompts):
        raise InvalidInput("prompts", expected="a list of texts", got=prompts, fix="Put a single prompt in a list.")
    states, pooled = [], None
    with torch.no_grad():
        for tokenizer, model in pipeline.encoders:
            ids, attended = tokens(tokenizer, prompts)
            masked = {"attention_mask": attended.to(model.device)} if getattr(model.config, "use_attention_mask", None) else {}
            found = model(ids.to(model.device), output_hidden_states=pipeline.xl, **masked)
            states.append(found.hidden_states[-2] if pipeline.xl else found.last_hidden_state)
            pooled = found.text_embeds if pipeline.xl and hasattr(found, "text_embeds") else pooled
    encoded = {"text": torch.cat(states, dim=-1).float()}
    return encoded if pooled is None else {**encoded, "pooled": pooled.float()}


def tokens(tokenizer: Any, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token numbers and which of them count, (P, L) each, padded to the window; a prompt that is longer loses its end."""
    window = int(tokenizer.model_max_length)
    for prompt in prompts:
        count = len(tokenizer(prompt).input_ids)
        if count > window:
            shown = prompt if len(prompt) <= QUOTED else f"{prompt[:QUOTED]}..."
            warnings.warn(
                f"The prompt {shown!r} has {count} tokens, of which the generator reads the first {window}. Shorten it.",
                stacklevel=4,
            )
    read = tokenizer(list(prompts), padding="max_length", max_length=window, truncation=True, return_tensors="pt")
    return read.input_ids, read.attention_mask
