"""What a first picture imports: nothing that is large and that it does not need."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

UNUSED = (
    *("pytorch_pretrained_biggan", "transformers", "kornia", "torchvision", "lpips", "open_clip", "diffusers"),
    *("huggingface_hub", "httpx", "requests", "boto3", "botocore", "scipy", "matplotlib", "cma", "pymoo"),
    *("torch._dynamo", "torch._inductor", "torch.distributed.tensor", "sympy", "triton"),
)
MADE = {
    "a ready pair": "fd.FuseDream('emoji', device='cpu', settings=QUICK)",
    "another scorer": "fd.FuseDream(generator='emoji', scorer=ToyScorer(8), device='cpu', settings=QUICK)",
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_the_first_picture_imports_nothing_large_that_it_does_not_use(made: str, child_env: dict[str, str]):
    code = f"""
        import sys
        import fusedream_sdk as fd
        from fusedream_sdk.testing import ToyScorer

        QUICK = {{"views": 2, "samples": 8, "bank": 8, "basis": 2, "check_views": 2, "report_views": 2}}
        result = {made}.generate("a blue dog", steps=1, progress=False)
        assert result.images.shape == (1, 3, 64, 64)
        print([name for name in {UNUSED!r} if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], env=child_env, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
