"""How much memory a step takes at its peak: on a CPU in a process of its own, where nothing freed before is used again.

The process is this module: it reads from stdin what to run, and writes the bytes.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fusedream_sdk.models.loading import loaded_generator, loaded_scorer
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.speed.steps import MAKERS, Step, task_of

TIME = 600  # seconds after which a process is given up
STATUS, REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(task: Task, kind: str) -> int | None:
    """Bytes at the peak of a step above what was there before; None where it cannot be measured.

    Args:
        task: rows at work.
        kind: "ours" or "reference".
    """
    engine = task.engine
    if engine.device.type == "cuda":
        return _on_cuda(MAKERS[kind](task), engine.device)  # of its second step
    if engine.compiles and kind == "ours":  # its peak would be the compiler's
        return None
    if engine.device.type != "cpu" or engine.generator.name is None or engine.scorer.name is None:
        return None
    asked = {
        "kind": kind,
        "generator": engine.generator.name,
        "scorer": engine.scorer.name,
        "dtype": str(engine.dtype).removeprefix("torch."),
        "settings": task.settings.to_json(),
        "rows": len(task.rows),
        "threads": torch.get_num_threads(),
    }
    return _elsewhere(asked)


def _on_cuda(step: Step, device: torch.device) -> int:
    step()
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _elsewhere(asked: Mapping[str, Any]) -> int | None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command, input=json.dumps(asked), env=env, capture_output=True, text=True, check=False, timeout=TIME
        )
        return int(done.stdout.split()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None


def measured_here(asked: Mapping[str, Any]) -> int:
    """Load the models into this process, run a step, and say how much its peak was above what was there."""
    torch.set_num_threads(asked["threads"])
    cpu = torch.device("cpu")
    models = loaded_generator(asked["generator"], cpu), loaded_scorer(asked["scorer"], cpu)
    engine = Engine(*models, dtype=getattr(torch, asked["dtype"]))
    settings, make = Settings.from_json(asked["settings"]), MAKERS[asked["kind"]]
    small = make(task_of(engine, settings.replace(views=1), 1))
    small()
    small()  # what a first step imports or prepares
    step = make(task_of(engine, settings, asked["rows"]))
    gc.collect()
    before = _resident()
    step()
    step()
    return max(0, _highest() - before)


def _resident() -> int:
    """Bytes that are resident now, from where on the highest is known; where the system cannot say, the highest so far."""
    try:
        REFS.write_text("5")  # forgets the highest
        return _kilobytes("VmRSS")
    except (OSError, ValueError):
        return _highest()


def _highest() -> int:
    try:
        return _kilobytes("VmHWM")
    except (OSError, ValueError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _kilobytes(name: str) -> int:
    found = [line.split()[1] for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:")]
    return 1024 * int("".join(found))


if __name__ == "__main__":
    sys.stdout.write(f"{measured_here(json.load(sys.stdin))}\n")
