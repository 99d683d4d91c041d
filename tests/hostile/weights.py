"""Weights and configurations that cannot be: what is changed in good ones, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

HUGE = 1_000_000_000
SIZES = "expected sizes that a network can have, got"
TENSORS: dict[str, tuple[Callable[[Tensor], Any], str]] = {  # what happens to an entry -> what is said of it
    "integers": (lambda x: x.long(), "expected numbers of floating point, got int64"),
    "bytes": (lambda x: x.byte(), "expected numbers of floating point, got uint8"),
    "truth values": (lambda x: x > 0, "expected numbers of floating point, got bool"),
    "complex": (lambda x: x.to(torch.complex64), "expected numbers of floating point, got complex64"),
    "not a number": (lambda x: torch.full_like(x, torch.nan), "expected finite values"),
    "infinite": (lambda x: torch.full_like(x, torch.inf), "expected finite values"),
    "3e38": (lambda x: torch.full_like(x, 3e38), "expected values whose squares float32 can hold, got 3e+38"),
    "-1e30": (lambda x: torch.full_like(x, -1e30), "expected values whose squares float32 can hold, got 1e+30"),
    "1e300 of float64": (lambda x: torch.full_like(x, 1e300, dtype=torch.float64), "expected values that float32 can hold"),
    "3e38 of bfloat16": (lambda x: torch.full_like(x, 3e38, dtype=torch.bfloat16), "expected values whose squares"),
    "another shape": (lambda x: x[:-1].clone(), "expected shape"),
    "nothing": (lambda x: x[:0].clone(), "expected shape"),
    "a number": (lambda x: x.sum(), "expected shape"),
}
PICKLED: dict[str, tuple[Callable[[Tensor], Any], str]] = {  # what only a pickle can hold
    "one value for all": (lambda x: torch.zeros(1).expand(x.shape), "values, but the file holds 1 of them"),
    "a trillion of one": (lambda x: torch.zeros(1, dtype=torch.half).expand(1_000_000, 1_000_000), "the file holds 1 of them"),
    "sparse": (lambda x: x.to_sparse(), "expected a plain tensor"),
    "without content": (lambda x: x.to("meta"), "expected a plain tensor"),
    "no tensor": (lambda x: "text", "expected a mapping of names to tensors"),
}
KEPT: dict[str, Callable[[Tensor], Tensor]] = {  # what is cast, with the result that it would have
    "float64": lambda x: x.double(),
    "not contiguous": lambda x: x.T.contiguous().T if x.dim() == 2 else x,
}
JSONS: dict[str, tuple[str, str]] = {  # a whole config.json -> what is said
    "nothing": ("", "expected a JSON object ("),
    "nested without end": ("[" * 100_000 + "]" * 100_000, "expected a JSON object (nested more than 20 deep)"),
    "nested in a name": ('{"name": ' + "[" * 500 + "]" * 500 + "}", "expected a JSON object (nested more than 20 deep)"),
    "5,000 digits": ('{"z_dim": ' + "9" * 5_000 + "}", "expected a JSON object (Exceeds the limit"),
    "half a letter": ('{"name": "\\ud800"}', "expected a JSON object ('utf-8' codec"),
    "a list": ("[1]", "expected a JSON object"),
    "a text": ('"x"', "expected a JSON object"),
}
BIGGAN: dict[str, tuple[dict[str, Any], str]] = {  # changes of a config.json -> what is said
    "a billion channels": ({"channel_width": HUGE}, f"channel_width: {SIZES} a number beyond 1,048,576"),
    "a billion classes": ({"num_classes": HUGE}, f"num_classes: {SIZES}"),
    "a billion latents": ({"z_dim": HUGE}, f"z_dim: {SIZES}"),
    "a billion pixels": ({"output_dim": HUGE}, f"output_dim: {SIZES}"),
    "a billion statistics": ({"n_stats": HUGE}, f"n_stats: {SIZES}"),
    "10,000 layers": ({"layers": [[False, 16, 16]] * 10_000}, f"layers: {SIZES} a list of 10000"),
    "layers of a billion": ({"layers": [[False, HUGE, HUGE]]}, f"layers: {SIZES}"),
    "other channels": ({"channel_width": 1 << 20}, "config.json"),
    "negative": ({"channel_width": -1}, "channel_width: expected a positive integer, got -1"),
    "a truth value": ({"num_classes": True}, "num_classes: expected a positive integer, got True"),
    "a float": ({"num_classes": 5.0}, "num_classes: expected a positive integer, got 5.0"),
    "not a number": ({"eps": float("nan")}, "eps: expected a small positive number, got nan"),
    "a long text": ({"z_dim": "x" * 10_000}, "z_dim: expected a positive integer, got 'xxx"),
    "a long name": ({"y" * 10_000: 1}, "is unknown"),
    "no layers": ({"layers": []}, "layers: expected a list"),
    "layers of text": ({"layers": "many"}, "layers: expected a list"),
}
YAMLS: dict[str, tuple[str, str]] = {  # a whole config.yaml -> what is said
    "a tag that runs": ("!!python/object/apply:os.mkdir ['made']", "expected a YAML file (could not determine a constructor"),
    "a tag of a module": ("model: !!python/module:os", "expected a YAML file (could not determine a constructor"),
    "a tag of its own": ("model: !attack {}", "expected a YAML file (could not determine a constructor"),
    "a date that is none": ("model: !!timestamp x", "expected a YAML file ("),
    "a truth value that is none": ("model: !!bool perhaps", "expected a YAML file ("),
    "an integer that is none": ("model: !!int ''", "expected a YAML file ("),
    "5,000 digits": (f"model: {'9' * 5_000}", "expected a YAML file (Exceeds the limit"),
    "a billion laughs": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True))
        + "model: {target: *i}\n",
        "expected a YAML file (an alias, which no config of taming has)",
    ),
    "an anchor in itself": ("model: &a [*a]", "expected a YAML file (an alias"),
    "nested without end": ("model: " + "[" * 3_000 + "]" * 3_000, "expected a YAML file ("),
    "a key that cannot be one": ("? [a]\n: b", "expected a YAML file ("),
    "bytes": ("model: \x00", "expected a YAML file ("),
    "two documents": ("a: 1\n---\nb: 2", "expected a YAML file ("),
    "nothing": ("", "model: expected a section"),
    "a text": ("model", "model: expected a section"),
    "a target of its own": ("model: {target: os.system}", "model.target: expected taming"),
    "a list of targets": ("model: {target: [taming.models.vqgan.VQModel]}", "model.target: expected taming"),
}
VQGAN: dict[str, tuple[dict[str, Any], str]] = {  # changes of ddconfig, or of what is around it -> what is said
    "a billion channels": ({"ch": HUGE}, f"ddconfig.ch: {SIZES} a number beyond 1,048,576"),
    "a billion blocks": ({"num_res_blocks": HUGE}, f"ddconfig.num_res_blocks: {SIZES} a number beyond 64"),
    "a billion codes": ({"n_embed": HUGE}, f"model.params.n_embed: {SIZES}"),
    "a billion pixels": ({"resolution": HUGE}, f"ddconfig.resolution: {SIZES}"),
    "10,000 resolutions": ({"ch_mult": [1] * 10_000}, f"ddconfig.ch_mult: {SIZES} a list of 10000"),
    "resolutions of a billion": ({"ch_mult": [HUGE]}, f"ddconfig.ch_mult: {SIZES}"),
    "channels beyond all": ({"ch": 1 << 20, "ch_mult": [1 << 20]}, "config.yaml: asks for a network that cannot be built"),
    "a text for dropout": ({"dropout": "x"}, "ddconfig.dropout: expected a number from 0 to 1, got 'x'"),
    "a dropout of all": ({"dropout": 1}, "ddconfig.dropout: expected a number from 0 to 1, got 1"),
    "a dropout that is none": ({"dropout": float("nan")}, "ddconfig.dropout: expected a number from 0 to 1, got nan"),
}
CLIP: dict[str, tuple[dict[str, Any], str]] = {  # changes of the text tower -> what is said
    "a billion channels": ({"hidden_size": HUGE}, f"hidden_size: {SIZES} a number beyond"),
    "a million layers": ({"num_hidden_layers": 1_000_000}, f"num_hidden_layers: {SIZES} a number beyond 1,024"),
    "more than the file has": (
        {"hidden_size": 1 << 16, "intermediate_size": 1 << 20, "num_attention_heads": 1},
        "but the weights beside it have",
    ),
    "a text": ({"hidden_size": "wide"}, "cannot load"),
    "no heads": ({"num_attention_heads": 0}, "cannot load"),
}
