"""Two installations, each with a database of its own, on one Redis by mistake: the second one is turned away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pipeline.adapters.nameplate import RedisNameplate
from pipeline.services.neighbours import FOREIGN, Neighbourhood, refuse_foreign_redis
from storage.database import Database
from tests.faults.desk import ADMIN_SETTINGS
from tests.faults.ledger import wait_for
from tests.faults.scene import Scene
from tests.servers.redis_server import RedisServer
from tests.support import make_tools


def test_a_worker_and_a_bot_with_another_database_are_refused_and_not_started_again(
    open_scene: Callable[..., Scene],
) -> None:
    first, second = open_scene(), open_scene(**ADMIN_SETTINGS)
    first.installation.start_worker("one")
    wait_for(lambda: "ready" in first.installation.log("one"), "the first worker")
    refused = {"worker": second.installation.start_worker("two"), "bot": second.installation.start_bot()}
    for process, log in ((refused["worker"], "two"), (refused["bot"], "bot")):
        assert process.wait(60) == 2
        said = second.installation.log(log)
        assert said.count("Another installation uses this Redis with another database than sqlite:///") == 1, said
        assert "is started again" not in said
    first.start_run(first.open_bot(posts=6))
    assert first.ledger.wait_for_the_end(1)[0].state == "done", "the first one works on"
    first.check(posts=6)


async def test_a_name_that_nobody_renews_is_waited_out(database: Database, redis: RedisServer) -> None:
    gone, mine = RedisNameplate(redis.url), RedisNameplate(redis.url)
    assert await gone.show("an installation that has ended") is None
    await gone._redis.pexpire("digest:installation", 1500)
    await asyncio.wait_for(refuse_foreign_redis(replace(make_tools(database), nameplate=mine)), 30)
    assert (await gone.show("an installation that has ended")) is not None, "our name stands there"
    await gone.close()
    await mine.close()


async def test_a_redis_that_is_away_stops_nobody(database: Database, redis: RedisServer) -> None:
    mine = RedisNameplate(redis.url)
    redis.kill()
    await asyncio.wait_for(refuse_foreign_redis(replace(make_tools(database), nameplate=mine)), 30)
    await mine.close()
    redis.start()


async def test_who_finds_another_name_while_it_works_tells_the_operators_once(
    database: Database, redis: RedisServer
) -> None:
    """Redis came back empty, and the other one was faster."""
    other, mine = RedisNameplate(redis.url), RedisNameplate(redis.url)
    neighbourhood = Neighbourhood(replace(make_tools(database), nameplate=mine))
    await neighbourhood.look()
    redis.empty()
    assert await other.show("the other one") is None
    for _ in range(3):
        await neighbourhood.look()
    async with database.read() as session:
        from storage import operators

        assert [fault.message_id for fault in await operators.untold(session)] == [FOREIGN]
    await other.close()
    await mine.close()
