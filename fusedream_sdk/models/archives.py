"""Files of weights before they are read: no pipes, no programs, nothing that unpacks to more than it holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.runtime.paths import readable_file


def refuse_programs(path: Path) -> None:
    """Raise WeightsError for a TorchScript archive, as OpenAI published CLIP's weights: a program with its weights."""
    if is_torchscript(path):
        raise WeightsError(
            f"{path}: expected tensors alone, but it is a TorchScript archive, a program, which was refused. Ask for the same "
            f"weights as a .safetensors file. OpenAI's CLIP is openai/clip-vit-base-patch32, or ViT-B-32:openai of OpenCLIP."
        )


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive of torch.jit.save: its constants are what torch.save's have not."""
    return any(entry.filename.endswith("/constants.pkl") for entry in archive_of(path))


def archive_of(path: Path) -> list[zipfile.ZipInfo]:
    """The entries of a file that is a zip archive, as torch.save's are. Raises WeightsError for a damaged one."""
    try:
        if not zipfile.is_zipfile(path):
            return []
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except Exception as error:  # whatever a damaged archive sets off
        raise damaged(path, error) from error


def check_file(path: Path) -> None:
    """A file that can be read to its end, is no program, and unpacks to no more than it holds. Raises WeightsError."""
    try:
        readable_file("weights", path)
    except InvalidInput as error:
        raise WeightsError(str(error)) from error
    refuse_programs(path)
    entries, size = archive_of(path), path.stat().st_size
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed or sum(entry.file_size for entry in entries) > size:
        got = f"{packed[0]!r} is compressed" if packed else "its entries claim more bytes than it has"
        raise WeightsError(f"{path}: expected an archive as torch.save writes it, but {got}, which was refused.")


def damaged(path: Path, error: Exception) -> WeightsError:
    """For a file that its reader gave up; of what the reader says, the first sentence."""
    reason = first_line(error).split(". ")[0].rstrip(".")
    return WeightsError(f"{path}: damaged or cut short ({reason}). Download it again.")


def first_line(error: BaseException) -> str:
    """The first line of an error that says anything."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
