"""Round trips to Redis by what they are for, and which of them the clock makes, whether there is work or not."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.counting.redis_proxy import Trip
from tests.counting.redis_words import Command

# A public bot, a database of Redis, a provider: what is different each time.
OF_ONE = re.compile(r"(?<=digest:model:)[^:]+|(?<=:)\d+$|(?<=/)\d+(?=\.)")
KEY_OF = {"LPUSH": 1, "ZADD": 1, "HSET": 1, "ZREM": 1, "HDEL": 1, "PTTL": 1, "ZRANGE": 1, "PUBLISH": 1, "EVALSHA": 3}
# Polling and keeping alive, each so many times in a minute; what a new connection begins with; and telling those who
# watch, where all that has come together by then is one trip.
BY_THE_CLOCK = re.compile(
    r"BRPOP, in vain|PING|TIME|LLEN|ZADD digest:model:\*:inside|EVALSHA digest:installation"
    r"|SET|(MULTI, )?EVALSHA _kombu"
    r"|HELLO|CLIENT|SCRIPT|PSUBSCRIBE|PUBLISH"
)
NOTHING_CAME = (b"*-1", b"_")
TASK_EVENTS = b"celeryev/task."


def by_purpose(trips: Iterable[Trip]) -> Counter[str]:
    """How many there were of each kind that work makes."""
    return Counter(name for name in map(name_of, trips) if not BY_THE_CLOCK.match(name))


def task_events(trips: Iterable[Trip]) -> Counter[str]:
    """What those who watch were told of tasks, by type."""
    said = (command for trip in trips for command in trip.commands)
    told = [command for command in said if command[0] == b"PUBLISH" and TASK_EVENTS in command[1]]
    return Counter(kind for command in told for kind in _types(command))


def name_of(trip: Trip) -> str:
    """Its commands with their keys; what it says several times, once."""
    if trip.commands and trip.commands[0][0] == b"BRPOP":
        has_message = trip.answer and not trip.answer.startswith(NOTHING_CAME)
        return "BRPOP, with a message" if has_message else "BRPOP, in vain"
    return ", ".join(dict.fromkeys(map(_words, trip.commands)))


def _words(command: Command) -> str:
    name = command[0].decode()
    place = KEY_OF.get(name)
    return name if place is None else f"{name} {OF_ONE.sub('*', command[place].decode())}"


def _types(publish: Command) -> Sequence[str]:
    told = json.loads(base64.b64decode(json.loads(publish[2])["body"]))
    return [event["type"] for event in (told if isinstance(told, list) else [told])]
