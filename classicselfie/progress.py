"""Progress for somebody who watches: a line at a terminal, a widget in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from classicselfie.console import VOLUME


def progress_bar(iterable: Iterable[Any] | None = None, **options: Any) -> Any:
    """Show how far something is; nothing where nobody watches, or with -q.

    Parameters
    ----------
    iterable : iterable, optional
        What is counted; without it, `update` counts.
    **options
        Of `tqdm.tqdm`.

    Returns
    -------
    tqdm.tqdm
        Yields what `iterable` does; a context manager.
    """
    from tqdm.auto import tqdm

    # None: only at a terminal, which a notebook's standard error is not.
    hidden = False if "tqdm.notebook" in sys.modules else None
    return tqdm(iterable, disable=VOLUME.quiet or hidden, **options)
