"""An environment in which nothing is installed, made in a moment: what is large is seen where it lies."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def fresh_environment(folder: Path) -> Path:
    """A virtual environment that sees what is installed in ours: torch and its like, gigabytes, are not copied.

    What is then installed into it comes first. It has no programs of its own but Python; pip runs as `python -m pip`.
    """
    venv.create(folder, symlinks=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    python = folder / "bin" / "python"
    packages = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    ours = [path for path in sys.path if path.endswith("-packages")]
    # addsitedir and not the bare path: ours may be installed as editable, by a .pth file in turn.
    lines = [f"import site; site.addsitedir({path!r})" for path in ours]
    Path(packages, "beside.pth").write_text("\n".join(lines))
    return folder
