"""The arithmetic of delivering: how many send at the same time, how far apart, and how long a trouble is waited out."""

from __future__ import annotations

import math
from datetime import datetime

from storage.records import RunState

WAVE = 5  # messages that are marked, sent and saved together; what a kill can leave in doubt, for each lane
MOST_LANES = 16
LATENCY_S = 0.4  # of Telegram, on a slow day: so long a lane's wave takes
LEAST_READERS_A_LANE = 10
# https://core.telegram.org/bots/faq: not more than 20 messages a minute to one group.
GROUP_INTERVAL_S = 3.0
SHARE_SET_ASIDE = 0.2
SAME_REFUSALS = 5


def lanes(readers: int, messages_per_second: float) -> int:
    """How many workers send one digest at the same time, so that a bot's whole rate is used and no more are busy."""
    for_the_rate = math.ceil(messages_per_second * LATENCY_S / WAVE)
    return max(1, min(for_the_rate, math.ceil(readers / LEAST_READERS_A_LANE), MOST_LANES))


def chat_interval_s(chat_id: int, per_chat_interval_s: float) -> float:
    """Seconds between two messages to one chat; ids of groups and channels are negative."""
    return per_chat_interval_s if chat_id > 0 else max(per_chat_interval_s, GROUP_INTERVAL_S)


def trouble_wait_s(troubles: int) -> float:
    """Seconds to wait when nothing got through for the `troubles`-th time in a row: 2, 4, 8, … 60."""
    return float(min(2 ** min(troubles, 6), 60))


def needs_approval(wanted: bool, distinct: int, set_aside: int) -> bool:
    """Whether operators see a digest before its readers: they want to, or the model failed on too many of its posts."""
    return wanted or (distinct > 0 and set_aside / distinct > SHARE_SET_ASIDE)


def goes_out_at(state: RunState, publish_at: datetime | None, now: datetime) -> datetime:
    """When the delivery of a run in this state begins: at its time, where it has one. An operator's word is for now."""
    if publish_at is None or state is RunState.AWAITING_APPROVAL:
        return now
    return max(now, publish_at)
