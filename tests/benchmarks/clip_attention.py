"""Plain against fused attention on a CPU, in the emoji scorer, forward and backward to the pixels.

python -m tests.benchmarks.clip_attention
"""

from __future__ import annotations

import time
from typing import Any

import torch

import fusedream_sdk as fd
from fusedream_clip.scorer import ClipScorer
from tests.benchmarks.judging import machine

VIEWS, ROUNDS = 16, 9


def seconds(scorer: ClipScorer, attention: str, dtype: torch.dtype) -> float:
    """Median time of one gradient of 16 views."""
    scorer.model.set_attn_implementation(attention)
    images = torch.rand(VIEWS, 3, scorer.resolution, scorer.resolution, requires_grad=True)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            embedded = scorer.encode_image(images)
        embedded.float().sum().backward()
        times.append(time.perf_counter() - begun)
    return sorted(times)[ROUNDS // 2]


def main() -> None:
    scorer: Any = fd.load_scorer("emoji", device="cpu")
    print(f"{VIEWS} views; {machine()}")
    for dtype in (torch.float32, torch.bfloat16):
        fused, plain = (seconds(scorer, attention, dtype) for attention in ("sdpa", "eager"))
        print(f"{dtype}: fused {fused * 1e3:.0f} ms, plain {plain * 1e3:.0f} ms, plain is {fused / plain:.2f} times as fast")


if __name__ == "__main__":
    main()
