"""Where the bundled files are: YuNet, the Haar cascades, the weights, and the port's code."""

from __future__ import annotations

from pathlib import Path

from classicselfie.errors import ModelError

_PACKAGE = Path(__file__).resolve().parent


def resource(folder: str, name: str) -> Path:
    """Find a bundled file in an installed package or in a checkout.

    In the repository they stand at the top level; wheels carry them inside the package.

    Parameters
    ----------
    folder : {"models", "cascades", "ports/javascript/src"}
    name : str
        File name.

    Returns
    -------
    Path

    Raises
    ------
    ModelError
        If the file is in neither place.
    """
    for base in (_PACKAGE, _PACKAGE.parent):
        path = base / folder / name
        if path.is_file():
            return path
    raise ModelError(f"the bundled file {folder}/{name} is missing; reinstall classicselfie")
