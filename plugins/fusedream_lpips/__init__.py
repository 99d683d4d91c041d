"""LPIPS (Zhang et al. 2018), the learned perceptual distance of the package lpips, as a FuseDream perceptual."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_lpips.metric import Lpips
    from fusedream_sdk.models.sources import Sources

__all__ = ["load"]


def load(
    *,
    net: Literal["alex", "vgg", "squeeze"] = "alex",
    weights: str | Path | None = None,
    device: str | torch.device = "cpu",
    cache_dir: str | Path | None = None,
) -> Lpips:
    """Load LPIPS, version 0.1.

    The linear heads come with the package lpips. The trunk is a network of torchvision, trained on ImageNet; its file is
    downloaded on first use and kept, and is then used without asking anybody:

    | net | file of download.pytorch.org/models | size | least picture |
    | --- | --- | --- | --- |
    | alex | alexnet-owt-7be5be79.pth | 244 MB | 31 × 31 |
    | vgg | vgg16-397923af.pth | 553 MB | 16 × 16 |
    | squeeze | squeezenet1_1-b8a52dc0.pth | 5 MB | 17 × 17 |

    Args:
        net: the trunk. "alex" is the fastest, and the one that its authors advise for comparing pictures.
        weights: such a file, .pth or .safetensors, to use in place of the download. Its `classifier` entries are
            ignored and may be left out; every other entry has to fit.
        device: where it runs.
        cache_dir: the folder in which the file is looked for and kept. Default: torch's, which is `hub/checkpoints` in
            `$TORCH_HOME` or in `~/.cache/torch`.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: a file that is neither there nor to be had, damaged, of another network, or not safe to load.
    """
    from fusedream_lpips.loading import build, check_net, locate
    from fusedream_lpips.metric import Lpips

    check_net(net)
    return Lpips(build(net, locate(net, weights, cache_dir)), net).to(device)


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`. Raises InvalidInput: no such trunk."""
    from fusedream_lpips.loading import check_net, trunk_file
    from fusedream_sdk.models.sources import Sources

    check_net(options["net"])
    return Sources((trunk_file(options["net"], options.get("cache_dir")),), f"lpips?net={options['net']}&weights={{file}}")
