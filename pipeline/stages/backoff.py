"""How long to wait before something is tried again."""

from __future__ import annotations

CALLS_AT_ONCE = 4
LONGEST_WAIT_IN_PLACE_S = 8.0
MAX_RETRIES = 8
LONGEST_PUT_OFF_S = 900.0


def wait_in_place_s(attempt: int, jitter: float) -> float:
    """Seconds before the next call of the same claim: 0.5–1, 1–2, 2–4. `attempt` from 0, `jitter` from 0 to 1."""
    return float(2**attempt) * (0.5 + jitter / 2)


def put_off_s(retries: int, jitter: float) -> float:
    """Seconds until work that was given back is due: 5, 10, 20, 40, then 60, up to a half more."""
    return float(min(5 * 2**retries, 60)) * (1 + jitter / 2)
