"""FuseDream: steer any image generator with any text-image model.

    import fusedream_sdk as fd

    result = fd.FuseDream("emoji").generate("a blue dog")
    result.pil[0]

Importing this package imports neither torch nor any plugin; each name below is loaded on its first use.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusedream_sdk.batch.captions import Caption as Caption
    from fusedream_sdk.batch.captions import read_captions as read_captions
    from fusedream_sdk.batch.table import Batch as Batch
    from fusedream_sdk.dream.ablate import ablate as ablate
    from fusedream_sdk.dream.ablation import Ablation as Ablation
    from fusedream_sdk.dream.basis import Pool as Pool
    from fusedream_sdk.dream.compare import compare as compare
    from fusedream_sdk.dream.comparison import Comparison as Comparison
    from fusedream_sdk.dream.film import Film as Film
    from fusedream_sdk.dream.film import interpolate as interpolate
    from fusedream_sdk.dream.filming import Filming as Filming
    from fusedream_sdk.dream.fusedream import FuseDream as FuseDream
    from fusedream_sdk.dream.many import run_batch as run_batch
    from fusedream_sdk.dream.replay import replay as replay
    from fusedream_sdk.dream.workers import NamedModels as NamedModels
    from fusedream_sdk.dream.workers import Workers as Workers
    from fusedream_sdk.errors import FuseDreamError as FuseDreamError
    from fusedream_sdk.errors import InvalidInput as InvalidInput
    from fusedream_sdk.evaluation.evaluate import evaluate as evaluate
    from fusedream_sdk.evaluation.evidence import Evidence as Evidence
    from fusedream_sdk.evaluation.evidence import Measured as Measured
    from fusedream_sdk.inversion.invert import invert as invert
    from fusedream_sdk.inversion.likeness import InversionSettings as InversionSettings
    from fusedream_sdk.inversion.result import Inversion as Inversion
    from fusedream_sdk.latents import Box as Box
    from fusedream_sdk.latents import Free as Free
    from fusedream_sdk.latents import Latents as Latents
    from fusedream_sdk.latents import LatentSpec as LatentSpec
    from fusedream_sdk.latents import OneHot as OneHot
    from fusedream_sdk.latents import Simplex as Simplex
    from fusedream_sdk.methods.base import Method as Method
    from fusedream_sdk.methods.loading import load_method as load_method
    from fusedream_sdk.models.ensemble import load_scorer as load_scorer
    from fusedream_sdk.models.loading import ModelPair as ModelPair
    from fusedream_sdk.models.registry import list_generators as list_generators
    from fusedream_sdk.models.registry import list_methods as list_methods
    from fusedream_sdk.models.registry import list_models as list_models
    from fusedream_sdk.models.registry import list_perceptual as list_perceptual
    from fusedream_sdk.models.registry import list_scorers as list_scorers
    from fusedream_sdk.models.registry import load_generator as load_generator
    from fusedream_sdk.models.registry import load_perceptual as load_perceptual
    from fusedream_sdk.models.weighted import Weighted as Weighted
    from fusedream_sdk.optim.directions import Clipped as Clipped
    from fusedream_sdk.optim.directions import Descent as Descent
    from fusedream_sdk.optim.directions import DynamicBarrier as DynamicBarrier
    from fusedream_sdk.optim.directions import WeightedSum as WeightedSum
    from fusedream_sdk.optim.loop import iterate as iterate
    from fusedream_sdk.optim.loop import optimise as optimise
    from fusedream_sdk.optim.optimisers import adam as adam
    from fusedream_sdk.optim.optimisers import sgd as sgd
    from fusedream_sdk.optim.parametrise import BasisMix as BasisMix
    from fusedream_sdk.optim.parametrise import Direct as Direct
    from fusedream_sdk.optim.population import Population as Population
    from fusedream_sdk.optim.state import State as State
    from fusedream_sdk.protocols import Direction as Direction
    from fusedream_sdk.protocols import Evaluation as Evaluation
    from fusedream_sdk.protocols import Generator as Generator
    from fusedream_sdk.protocols import Objective as Objective
    from fusedream_sdk.protocols import Parametrisation as Parametrisation
    from fusedream_sdk.protocols import Perceptual as Perceptual
    from fusedream_sdk.protocols import Reward as Reward
    from fusedream_sdk.protocols import Scorer as Scorer
    from fusedream_sdk.run.estimate import Estimate as Estimate
    from fusedream_sdk.run.folder import Folder as Folder
    from fusedream_sdk.run.result import Result as Result
    from fusedream_sdk.run.settings import Settings as Settings
    from fusedream_sdk.scenes.consistency import Composition as Composition
    from fusedream_sdk.scenes.layer import Layer as Layer
    from fusedream_sdk.scenes.placement import Placement as Placement
    from fusedream_sdk.scenes.result import Composed as Composed
    from fusedream_sdk.scenes.scene import Scene as Scene
    from fusedream_sdk.scenes.settings import SceneSettings as SceneSettings
    from fusedream_sdk.scoring.augclip import AugCLIP as AugCLIP
    from fusedream_sdk.scoring.augclip import plain_clip as plain_clip
    from fusedream_sdk.scoring.prompt import Prompt as Prompt
    from fusedream_sdk.scoring.views import NO_VIEWS as NO_VIEWS
    from fusedream_sdk.scoring.views import PUBLIC_VIEWS as PUBLIC_VIEWS
    from fusedream_sdk.scoring.views import Views as Views
    from fusedream_sdk.search.bank import LatentBank as LatentBank
    from fusedream_sdk.speed.bench import bench as bench
    from fusedream_sdk.speed.table import Bench as Bench
    from fusedream_sdk.speed.table import Stage as Stage

_HOMES = {
    "batch.captions": ("Caption", "read_captions"),
    "batch.table": ("Batch",),
    "dream.ablate": ("ablate",),
    "dream.ablation": ("Ablation",),
    "dream.basis": ("Pool",),
    "dream.compare": ("compare",),
    "dream.comparison": ("Comparison",),
    "dream.film": ("Film", "interpolate"),
    "dream.filming": ("Filming",),
    "dream.fusedream": ("FuseDream",),
    "dream.many": ("run_batch",),
    "dream.replay": ("replay",),
    "dream.workers": ("NamedModels", "Workers"),
    "errors": ("FuseDreamError", "InvalidInput"),
    "evaluation.evaluate": ("evaluate",),
    "evaluation.evidence": ("Evidence", "Measured"),
    "inversion.invert": ("invert",),
    "inversion.likeness": ("InversionSettings",),
    "inversion.result": ("Inversion",),
    "latents": ("Box", "Free", "Latents", "LatentSpec", "OneHot", "Simplex"),
    "methods.base": ("Method",),
    "methods.loading": ("load_method",),
    "models.ensemble": ("load_scorer",),
    "models.loading": ("ModelPair",),
    "models.registry": (
        "list_generators",
        "list_methods",
        "list_models",
        "list_perceptual",
        "list_scorers",
        "load_generator",
        "load_perceptual",
    ),
    "models.weighted": ("Weighted",),
    "optim.directions": ("Clipped", "Descent", "DynamicBarrier", "WeightedSum"),
    "optim.loop": ("iterate", "optimise"),
    "optim.optimisers": ("adam", "sgd"),
    "optim.parametrise": ("BasisMix", "Direct"),
    "optim.population": ("Population",),
    "optim.state": ("State",),
    "protocols": ("Direction", "Evaluation", "Generator", "Objective", "Parametrisation", "Perceptual", "Reward", "Scorer"),
    "run.estimate": ("Estimate",),
    "run.folder": ("Folder",),
    "run.result": ("Result",),
    "run.settings": ("Settings",),
    "scenes.consistency": ("Composition",),
    "scenes.layer": ("Layer",),
    "scenes.placement": ("Placement",),
    "scenes.result": ("Composed",),
    "scenes.scene": ("Scene",),
    "scenes.settings": ("SceneSettings",),
    "scoring.augclip": ("AugCLIP", "plain_clip"),
    "scoring.prompt": ("Prompt",),
    "scoring.views": ("NO_VIEWS", "PUBLIC_VIEWS", "Views"),
    "search.bank": ("LatentBank",),
    "speed.bench": ("bench",),
    "speed.table": ("Bench", "Stage"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

try:
    __version__ = version("fusedream-sdk")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'fusedream_sdk' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"fusedream_sdk.{_HOME[name]}"), name)
    globals()[name] = value  # so that this runs once; no submodule may have the name of something public
    return value


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
