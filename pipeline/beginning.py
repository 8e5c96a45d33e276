"""How a process begins: with what lasts as long as the process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def made_to_last() -> Iterator[None]:
    """Nothing that is made in the block is garbage: nobody looks for any meanwhile, nor through all of it ever again.

    Our libraries make some hundred thousand objects when they are imported. Looking through them takes a tenth of a
    second, again and again, in which nobody is answered.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
