"""An SQLite file is for one machine: whoever comes from another one is turned away with a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.errors import AnotherMachine
from pipeline.pulse import Pulse, owner_name
from pipeline.services import one_machine
from pipeline.services.one_machine import refuse_another_machine
from pipeline.wiring import make_worker_record, utc_now
from settings import HOME
from storage import workers
from storage.database import Database, database_url
from storage.schema import migrate
from tests.support import make_tools

ELSEWHERE = "otherhost/aaaaaaaa.bbbbbbbb:7:cafecafe"
MINE = workers.machine_of(owner_name())

pytestmark = pytest.mark.skipif(MINE is None, reason="this system does not tell machines apart")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_machine, "LOOK_EVERY_S", 0.05)


@asynccontextmanager
async def living(give_sign: Callable[[], object]) -> AsyncIterator[None]:
    """A process that gives signs of life."""

    async def live() -> None:
        while True:
            await give_sign()  # type: ignore[misc]
            await asyncio.sleep(0.02)

    await give_sign()  # type: ignore[misc]
    task = asyncio.create_task(live())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def worker_of(database: Database, owner: str) -> Callable[[], object]:
    record = make_worker_record("one@otherhost", owner, ("deliver",), 4)

    async def beat() -> None:
        async with database.write() as session:
            await workers.beat(session, replace(record, seen_at=utc_now()))

    return beat


def role_of(database: Database, owner: str) -> Callable[[], object]:
    async def keep() -> None:
        async with database.write() as session:
            await workers.take_role(session, workers.BOT, owner, utc_now(), workers.BOT_HOLD)

    return keep


@pytest.mark.parametrize("process", [worker_of, role_of])
async def test_a_process_that_lives_on_another_machine_is_named(
    database: Database, process: Callable[..., Callable[[], object]]
) -> None:
    async with living(process(database, ELSEWHERE)):
        with pytest.raises(AnotherMachine, match=r"(one|bot)@otherhost on another machine .* PostgreSQL"):
            await refuse_another_machine(make_tools(database, now=utc_now))


@pytest.mark.parametrize("process", [worker_of, role_of])
async def test_another_container_on_this_machine_is_welcome(
    database: Database, process: Callable[..., Callable[[], object]]
) -> None:
    async with living(process(database, f"another-container/{MINE}.cccccccc:1:cafecafe")):
        await refuse_another_machine(make_tools(database, now=utc_now))


async def test_on_postgresql_there_may_be_any_number_of_machines(postgres_url: str) -> None:
    url = database_url(postgres_url, HOME)
    await migrate(url)
    database = Database(url)
    async with living(worker_of(database, ELSEWHERE)):
        await refuse_another_machine(make_tools(database, now=utc_now))
    await database.close()


async def test_what_died_elsewhere_or_before_this_machine_was_started_again_is_waited_out(database: Database) -> None:
    for give_sign in (worker_of(database, ELSEWHERE), role_of(database, ELSEWHERE)):
        await give_sign()  # type: ignore[misc]
    await refuse_another_machine(make_tools(database, now=utc_now))


async def test_what_was_seen_long_ago_is_not_even_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_machine, "LOOK_EVERY_S", 3600.0)
    await worker_of(database, ELSEWHERE)()  # type: ignore[misc]
    tools = make_tools(database, now=lambda: utc_now() + timedelta(minutes=5))
    await asyncio.wait_for(refuse_another_machine(tools), 30)


async def test_an_owner_of_an_earlier_version_or_of_a_system_that_cannot_tell_is_believed(database: Database) -> None:
    for owner in ("otherhost/12345678:7:cafecafe", "otherhost/:7:cafecafe"):
        assert workers.machine_of(owner) is None
        async with living(worker_of(database, owner)):
            await refuse_another_machine(make_tools(database, now=utc_now))


async def test_who_comes_later_ends_those_who_work_already(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.pulse.LOOK_AROUND_EVERY_S", 0.05)
    pulse = Pulse(make_tools(database, now=utc_now), worker=None)
    pulse.start()
    try:
        await asyncio.sleep(0)
        assert not pulse.refused.done()
        async with living(worker_of(database, ELSEWHERE)):
            with pytest.raises(AnotherMachine):
                await asyncio.wait_for(asyncio.shield(pulse.refused), 20)
    finally:
        await pulse.stop()
