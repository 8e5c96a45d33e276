"""How long to wait before something is tried again."""

from __future__ import annotations

LONGEST_WAIT_IN_PLACE_S = 8.0
MAX_RETRIES = 60
LONGEST_PUT_OFF_S = 3600.0
OUTAGE_AFTER = 3  # failures in a row
PROBE_EVERY_S = 30.0  # of a provider that will not work until somebody acts


def put_off_s(retries: int, jitter: float) -> float:
    """Seconds until work that was given back is due: 2, 4, 8, 16, 32, then 60, up to a half more. `retries` from 0,
    `jitter` from 0 to 1."""
    return float(min(2 * 2 ** min(retries, 5), 60)) * (1 + jitter / 2)


def outage_pause_s(failures: int) -> float:
    """How long nobody asks a provider after so many failures in a row: 2 s after the third, doubled up to 60."""
    return 0.0 if failures < OUTAGE_AFTER else float(min(2 ** min(failures - OUTAGE_AFTER + 1, 6), 60))
