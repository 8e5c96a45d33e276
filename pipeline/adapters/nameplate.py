"""Which installation a Redis belongs to: its name stands there as long as one of its processes lives."""

from __future__ import annotations

from redis.asyncio import Redis

from pipeline.adapters.redis_client import asked, connect
from pipeline.ports import Neighbour

KEY = "digest:installation"
STANDS_S = 15.0

# KEYS: the nameplate. ARGV: our name, milliseconds. Returns the name that stands there now, and for how long.
SHOW = """
local there = redis.call('GET', KEYS[1])
if not there or there == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return {ARGV[1], ARGV[2]}
end
return {there, tostring(redis.call('PTTL', KEYS[1]))}
"""


class RedisNameplate:
    """In the Redis, and in the one of its databases, that the settings name."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = connect(url, decode_responses=True)
        self._show = self._redis.register_script(SHOW)

    async def show(self, name: str) -> Neighbour | None:
        there, left_ms = await asked(self._show(keys=[KEY], args=[name, round(STANDS_S * 1000)]))
        return None if there == name else Neighbour(there, int(left_ms) / 1000)

    async def close(self) -> None:
        await self._redis.aclose()
