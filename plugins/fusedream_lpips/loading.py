"""Trunks of torchvision and heads of the package lpips, put together quietly and strictly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import lpips
import torch
from lpips.lpips import ScalingLayer
from torchvision.models import AlexNet_Weights, SqueezeNet1_1_Weights, VGG16_Weights

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.sources import WebFile
from fusedream_sdk.models.weights import check_tensors, first_line, read_tensors
from fusedream_sdk.runtime.progress import is_silent

LICENCE = "that of torchvision; see github.com/pytorch/vision, on its pre-trained models"


@dataclass(frozen=True)
class Trunk:
    """A network whose layers LPIPS compares.

    Attributes:
        name: what torchvision calls it.
        url: where torchvision has its weights.
        megabytes: size of that file.
        least: side of the smallest pictures that reach its last layer, in pixels.
    """

    name: str
    url: str
    megabytes: int
    least: int

    @property
    def file(self) -> str:
        """Name of the file of weights; before the suffix stand the first digits of its SHA-256."""
        return self.url.rpartition("/")[2]


TRUNKS = {
    "alex": Trunk("AlexNet", AlexNet_Weights.IMAGENET1K_V1.url, megabytes=244, least=31),
    "vgg": Trunk("VGG-16", VGG16_Weights.IMAGENET1K_V1.url, megabytes=553, least=16),
    "squeeze": Trunk("SqueezeNet 1.1", SqueezeNet1_1_Weights.IMAGENET1K_V1.url, megabytes=5, least=17),
}


def check_net(net: str) -> None:
    """One of the trunks. Raises InvalidInput."""
    if net not in TRUNKS:
        raise InvalidInput("net", expected=f"one of {', '.join(map(repr, TRUNKS))}", got=net)


def locate(net: str, weights: str | Path | None, cache_dir: str | Path | None) -> Path:
    """The file of a trunk: the user's own, the cached one, or a download that is then cached.

    Raises:
        WeightsError: it is not there and cannot be downloaded.
    """
    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            expected = f"a file such as {TRUNKS[net].file} (.pth or .safetensors)"
            raise WeightsError(f"weights: expected {expected}, but there is no file {str(path)!r}.")
        return path
    target = trunk_file(net, cache_dir).target
    return target if target.is_file() else download(net, target)


def trunk_file(net: str, cache_dir: str | Path | None) -> WebFile:
    """The file of a trunk at its address, whose SHA-256 begins as its name says, and where it is kept."""
    folder = Path(torch.hub.get_dir(), "checkpoints") if cache_dir is None else Path(cache_dir).expanduser()
    name = TRUNKS[net].file
    return WebFile(TRUNKS[net].url, folder / name, LICENCE, Path(name).stem.rpartition("-")[2])


def download(net: str, target: Path) -> Path:
    """Fetch the file of a trunk; the target appears only when it is whole and has the SHA-256 that its name says."""
    trunk = TRUNKS[net]
    digits = target.stem.rpartition("-")[2]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(trunk.url, str(target), hash_prefix=digits, progress=not is_silent())
    except Exception as error:  # network, certificate, disk: each library has its own
        raise WeightsError(
            f"weights: lpips with net={net!r} needs {trunk.file} ({trunk.megabytes} MB), which is not in {target.parent} and "
            f"cannot be downloaded from {trunk.url} ({type(error).__name__}: {first_line(error)}). Put the file there, or "
            f"pass it as weights=. Or use the perceptual 'clip-features', which downloads nothing when it is given a scorer."
        ) from error
    return target


def build(net: str, path: Path) -> lpips.LPIPS:
    """The package's LPIPS with the trunk of a file: float32, frozen, eval mode, on the CPU.

    Raises:
        WeightsError: a file that is damaged, of another network, or not safe to load.
    """
    with warnings.catch_warnings(), torch.device("meta"):  # nothing is drawn for weights that are replaced at once
        warnings.simplefilter("ignore")  # torchvision's, on a word that lpips still uses
        model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    model.scaling_layer = ScalingLayer()  # its constants are in no file
    found = {name: value for name, value in read_tensors(path).items() if not name.startswith("classifier.")}
    wanted = {in_torchvision(name): value for name, value in model.net.state_dict().items()}
    check_tensors(wanted, found, path, model=f"torchvision's {TRUNKS[net].name}", advice=f"Is it {TRUNKS[net].file}?")
    model.net.load_state_dict({name: found[in_torchvision(name)] for name in model.net.state_dict()}, assign=True)
    heads = read_tensors(Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth")
    torch.nn.ModuleList(model.lins).load_state_dict({name[len("lin") :]: heads[name] for name in heads}, assign=True)
    return model.eval().requires_grad_(False)


def in_torchvision(name: str) -> str:
    """The name that an entry of the trunk of lpips has in torchvision: slice2.3.weight is features.3.weight."""
    return f"features.{name.partition('.')[2]}"
