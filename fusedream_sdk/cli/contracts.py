"""Which contract a plugin has to keep, and trying it: `fusedream plugins check`."""

from __future__ import annotations

from typing import Any

from fusedream_sdk.errors import FuseDreamError, InvalidInput, PluginContractError, PluginFault, UnknownPlugin
from fusedream_sdk.models import registry

PLACED = ("generators", "scorers", "perceptual")  # groups that are given a device


def kind_of(name: str) -> str:
    """The one group that has a plugin of this name; options and weights in the name are left aside.

    Raises:
        UnknownPlugin: none has. InvalidInput: several have.
    """
    base, _ = registry.split_options(name)
    known = {kind: registry.plugins(kind) for kind in registry.KINDS}
    found = [kind for kind, names in known.items() if base in names or base.partition(":")[0] in names]
    if not found:
        every = sorted({one for names in known.values() for one in names})
        raise UnknownPlugin(registry.unknown_message("plugins", base, every))
    if len(found) > 1:
        fix = f"Say which: --kind {found[0]}."
        raise InvalidInput("kind", expected=f"the group of {base!r}, which is in several", got=", ".join(found), fix=fix)
    return found[0]


def check_contract(kind: str, name: str, device: str = "cpu") -> None:
    """Load a plugin and try its contract.

    Args:
        kind: a group of `registry.KINDS`.
        name: as for `load_generator` and the others, with options or without.
        device: where it is loaded.

    Raises:
        PluginContractError: naming the broken promise. UnknownPlugin, PluginImportError, DuplicatePlugin, InvalidInput,
        WeightsError: it cannot be loaded.
    """
    from fusedream_sdk import testing

    model = _loaded(kind, name, device)
    if kind == "generators":
        testing.check_generator(model)
    elif kind == "perceptual":
        testing.check_perceptual(model)
    elif kind == "methods":
        testing.check_method(model)
    elif kind == "models":
        _check_pair(model)
    elif hasattr(model, "score") and not hasattr(model, "encode_text"):
        testing.check_reward(model)
    else:
        testing.check_scorer(model)


def _loaded(kind: str, name: str, device: str) -> Any:
    """What the entry point makes; whatever else its code raises is a breach."""
    from fusedream_sdk.methods.loading import load_method
    from fusedream_sdk.runtime.device import resolve_device

    try:
        if kind == "methods":
            return load_method(name)
        return registry.load(kind, name, **({"device": resolve_device(device)} if kind in PLACED else {}))
    except PluginFault as error:  # whatever a stranger's code raised, and whose it is
        raise PluginContractError(f"{kind}: expected {name!r} to load: {error}") from error.__cause__


def _check_pair(pair: Any) -> None:
    """A pair names plugins that are there, and settings that exist. Raises PluginContractError."""
    from fusedream_sdk.models.loading import ModelPair
    from fusedream_sdk.run.settings import Settings

    if not isinstance(pair, ModelPair):
        raise PluginContractError(f"models: expected a ModelPair, got a {type(pair).__name__}.")
    parts = {"generators": (pair.generator,), "scorers": (pair.scorer, pair.judge), "perceptual": (pair.perceptual,)}
    for kind, names in parts.items():
        for name in filter(None, names):
            base, known = registry.split_options(name)[0], list(registry.plugins(kind))
            if base not in known and not registry.looks_like_weights(base):
                raise PluginContractError(registry.unknown_message(f"models: {kind}", base, known))
    try:
        Settings().replace(**pair.settings)
    except FuseDreamError as error:
        raise PluginContractError(f"models: expected settings that exist, got this: {error}") from error
