"""What a first picture imports: nothing that is large and that it does not need."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from tests.cli.toys import ROOT

UNUSED = (
    *("pytorch_pretrained_biggan", "transformers", "kornia", "torchvision", "lpips", "open_clip", "diffusers"),
    *("huggingface_hub", "httpx", "requests", "boto3", "botocore", "scipy", "matplotlib", "cma", "pymoo"),
    *("IPython", "rich", "gradio", "einops", "hatchling"),
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


PAGE = (ROOT / "docs" / "install.md").read_text()
DEPENDENCIES = {
    name: without.startswith("yes")
    for names, without in re.findall(r"^\| (`[^|]+`) \| [^|]+ \| ((?:yes|no)[^|]*) \|$", PAGE, re.MULTILINE)
    for name in re.findall(r"`([\w-]+)`", names)
}
MODULES = {"pillow": "PIL"}  # of packages whose modules have other names


def test_the_page_says_of_every_dependency_whether_a_picture_needs_it():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert set(DEPENDENCIES) == {re.split(r"[<>=]", line)[0] for line in wanted}


def test_a_first_picture_does_without_what_the_page_says_it_does_without(child_env: dict[str, str], tmp_path: Path):
    missing = [MODULES.get(name, name.replace("-", "_")) for name, without in DEPENDENCIES.items() if without]
    code = f"""
        import sys

        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {missing!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Missing())
        import fusedream_sdk as fd
        QUICK = {{"views": 2, "samples": 8, "bank": 8, "basis": 2, "check_views": 2, "report_views": 2}}
        result = fd.FuseDream("emoji", device="cpu", settings=QUICK).generate("a blue dog", steps=1, progress=False)
        result.save("dog.png")
        print(sorted(result.scores))
    """
    command = [sys.executable, "-c", dedent(code)]
    done = subprocess.run(command, env=child_env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "['augclip', 'clip', 'judge']\n", done.stderr
