"""What run_bot.sh and run_worker.sh ask before they start a Redis: `python -m pipeline.local_redis`.

It reads the settings and imports nothing else, for every start waits for it.
"""

from __future__ import annotations

import sys

from settings import DEFAULT_REDIS_URL, BadSettings, Settings, load_settings


def is_wanted(settings: Settings) -> bool:
    """Whether this installation works with the Redis of this machine that our scripts start."""
    return settings.redis.url == DEFAULT_REDIS_URL and settings.engine.mode != "local"


def main() -> int:
    """0: a local Redis is wanted. 1: it is not. 2: the settings cannot be used."""
    try:
        return 0 if is_wanted(load_settings()) else 1
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
