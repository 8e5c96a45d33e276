"""The faults of a soak: each a function of the site that does its harm, waits, and makes it good again.

Faults of one thing wait for each other (a process cannot be killed while it is being started again), those of
different things may overlap. In the second half of the time nobody kills the worker "one" and the bot, so that what
they leak shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import psutil
from sqlalchemy import create_engine, text

from benchmarks.soak.site import Site
from settings import HOME
from storage.database import database_url
from tests.servers.model_faults import Behaviour, Override, error
from tests.servers.telegram_faults import Fault

STORM_S = 60.0
KEY_REFUSED_S = 30.0
TELEGRAM_STORM_S = 30.0
REDIS_AWAY_S = 8.0
STOPPED_S = 40.0
LOCKED_S = 10.0
PROCESS_COMES_BACK_S = 90.0
RUN_TO_CANCEL_WITHIN_S = 40.0
BUSY_WITHIN_S = 15.0


@dataclass
class Happened:
    """A fault with its times, in Unix time; `end` is None while it lasts. `ill` is what it should not have met."""

    name: str
    begin: float
    end: float | None = None
    ill: str = ""


@dataclass
class Troublemaker:
    """Does faults and keeps a journal of them."""

    site: Site
    journal: list[Happened] = field(default_factory=list)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def do(self, name: str) -> None:
        """Do one fault to its end. It never raises: what went wrong stands in the journal."""
        happened = Happened(name, time.time())
        self.journal.append(happened)
        try:
            await FAULTS[name](self)
        except Exception as error:  # noqa: BLE001 - a soak goes on, and tells it in the end
            happened.ill = f"{type(error).__name__}: {error}"
        happened.end = time.time()

    def lock(self, thing: str) -> asyncio.Lock:
        return self._locks[thing]

    async def kill(self, name: str) -> None:
        async with self.lock(name):
            process = await self._python_of(name)
            await self._until_busy(process)
            process.kill()

    async def stop_and_start(self, name: str) -> None:
        async with self.lock(name):
            code = await self.site.stop(name)
            self.site.start(name)
        if code != 0:
            raise RuntimeError(f"{name} ended with {code} after SIGTERM")

    async def stand_still(self, name: str) -> None:
        async with self.lock(name):
            process = await self._python_of(name)
            await self._until_busy(process)
            process.suspend()
            try:
                await asyncio.sleep(STOPPED_S)
            finally:
                process.resume()

    async def kill_redis(self) -> None:
        async with self.lock("redis"):
            await asyncio.to_thread(self.site.redis.kill)
            await asyncio.sleep(REDIS_AWAY_S)
            await asyncio.to_thread(self.site.redis.start)

    async def empty_redis(self) -> None:
        async with self.lock("redis"):
            await asyncio.to_thread(self.site.redis.empty)

    async def model_storm(self, behaviour: Behaviour, seconds: float = STORM_S) -> None:
        with self.site.mood.storm(behaviour):
            await asyncio.sleep(seconds)

    async def telegram_storm(self, share: float, *faults: Fault) -> None:
        with self.site.telegram_mood.storm(share, *faults):
            await asyncio.sleep(TELEGRAM_STORM_S)

    async def lock_database(self) -> None:
        async with self.lock("database"):
            await asyncio.to_thread(self._hold_database)

    async def cancel_a_run(self) -> None:
        """An operator presses Cancel under a run that goes on, as soon as there is one."""
        deadline = time.monotonic() + RUN_TO_CANCEL_WITHIN_S
        while time.monotonic() < deadline:
            for run in await asyncio.to_thread(self.site.ledger.runs):
                if run.state in ("categorizing", "summarizing", "delivering") and await self._press_cancel(run.id):
                    return
            await asyncio.sleep(0.5)

    async def _press_cancel(self, run_id: int) -> bool:
        for message in reversed(self.site.telegram.messages(self.site.anna.id)):
            with contextlib.suppress(LookupError):
                await self.site.anna.press(message, f"c1:{run_id}")
                return True
        return False

    async def _python_of(self, name: str) -> psutil.Process:
        """The process itself, once its script has started it again."""
        deadline = time.monotonic() + PROCESS_COMES_BACK_S
        while True:
            with contextlib.suppress(psutil.Error):
                return await asyncio.to_thread(self.site.python_of, name)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not come back within {PROCESS_COMES_BACK_S:.0f} s")
            await asyncio.sleep(0.2)

    async def _until_busy(self, process: psutil.Process) -> None:
        """Until the process has work in hand, so that it does not die for nothing; a bot never has."""
        in_hand = "SELECT count(*) FROM work WHERE state = 'claimed' AND owner LIKE :owner"
        deadline = time.monotonic() + BUSY_WITHIN_S
        while time.monotonic() < deadline:
            if (await asyncio.to_thread(self.site.ledger.rows, in_hand, owner=f"%:{process.pid}:%"))[0][0]:
                return
            await asyncio.sleep(0.1)

    def _hold_database(self) -> None:
        """Let nobody write for a while."""
        url = database_url(self.site.database_setting, HOME)
        engine = create_engine(url.set(drivername=url.drivername.replace("+aiosqlite", "")))
        with engine.connect() as connection:
            if self.site.is_sqlite:
                connection.exec_driver_sql("PRAGMA busy_timeout=30000")
                connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("LOCK TABLE runs, work, deliveries, leases, workers IN EXCLUSIVE MODE"))
            time.sleep(LOCKED_S)
            connection.rollback()
        engine.dispose()


def _always(override: Override) -> Behaviour:
    return lambda question: override


BAD_GATEWAYS = (Fault.html(502), Fault.error(500, "Internal Server Error"))
FLOODS = (Fault.flood(3), Fault.flood(8))
LOST = (Fault.lose_answer(), Fault.drop())

FAULTS: dict[str, Callable[[Troublemaker], Awaitable[None]]] = {
    "kill -9 of worker one": lambda they: they.kill("one"),
    "kill -9 of worker two": lambda they: they.kill("two"),
    "kill -9 of the bot": lambda they: they.kill("bot"),
    "SIGTERM to worker one": lambda they: they.stop_and_start("one"),
    "SIGTERM to worker two": lambda they: they.stop_and_start("two"),
    "SIGTERM to the bot": lambda they: they.stop_and_start("bot"),
    "SIGSTOP of worker two for 40 s": lambda they: they.stand_still("two"),
    "Redis killed for 8 s": lambda they: they.kill_redis(),
    "Redis emptied": lambda they: they.empty_redis(),
    "database locked for 10 s": lambda they: they.lock_database(),
    "model: 503 for 60 s": lambda they: they.model_storm(_always(error(503, "overloaded"))),
    "model: hangs for 60 s": lambda they: they.model_storm(_always(Override(hang=True))),
    "model: garbage for 60 s": lambda they: they.model_storm(they.site.mood.garbage),
    "model: 429, Retry-After 20 s": lambda they: they.model_storm(they.site.mood.one_flood(), 25.0),
    "model: key refused for 30 s": lambda they: they.model_storm(_always(error(401, "bad key")), KEY_REFUSED_S),
    "Telegram: 502 and 500 for 30 s": lambda they: they.telegram_storm(0.5, *BAD_GATEWAYS),
    "Telegram: 429 for 30 s": lambda they: they.telegram_storm(0.05, *FLOODS),
    "Telegram: lost connections for 30 s": lambda they: they.telegram_storm(0.2, *LOST),
    "a run cancelled": lambda they: they.cancel_a_run(),
}
ENDS_A_LIFE = frozenset(name for name in FAULTS if name.endswith(("worker one", "the bot")))
DISTURBS_SENDING = frozenset(name for name in FAULTS if name.startswith(("kill", "SIG", "database")))
TWO_AT_ONCE = 0.15


def drawn(seed: int, number: int) -> Iterator[tuple[str, ...]]:
    """What happens in each minute, always the same for a seed: every fault once before any comes again, and now and
    then two at once."""
    chance = random.Random(seed)
    waiting: list[str] = []
    for minute in range(number):
        together = []
        for _ in range(2 if chance.random() < TWO_AT_ONCE else 1):
            if not waiting:
                waiting = chance.sample(sorted(FAULTS), len(FAULTS))
            permitted = [name for name in waiting if 2 * minute < number or name not in ENDS_A_LIFE]
            together.append(permitted[0] if permitted else "kill -9 of worker two")
            if permitted:
                waiting.remove(permitted[0])
            else:
                waiting = []
        yield tuple(together)
