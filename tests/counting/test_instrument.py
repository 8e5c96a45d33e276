"""The counting itself: that what is counted is what was asked, and that a budget that is exceeded says by what."""

from __future__ import annotations

import pytest
from redis import Redis

from storage import runs, workers
from storage.database import Database
from tests.counting.budget import hold
from tests.counting.pieces import asks_of
from tests.counting.redis_proxy import RedisProxy
from tests.counting.redis_trips import by_purpose, name_of
from tests.counting.redis_words import CommandReader
from tests.counting.statements import Count, counting
from tests.support import NOON

GET_AND_SET = [b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*2\r\n"]


async def read_and_write(database: Database, reads: int) -> Count:
    with counting(database) as count:
        async with database.read() as session:
            for _ in range(reads):
                await runs.find(session, 1)
        async with database.write() as session:
            await workers.free_role(session, "tick", "nobody")
            await workers.forget_old(session, NOON)
    return count


async def test_statements_and_transactions_are_counted(any_database: Database) -> None:
    count = await read_and_write(any_database, reads=3)
    assert (count.statements, count.reads, count.writes) == (5, 1, 1)
    assert [one.ending for one in count.transactions] == ["read", "write"]
    assert [one.asked_by for one in count.transactions[1].statements] == ["workers.free_role", "workers.forget_old"]
    assert "3 x SELECT ... FROM runs JOIN public_bots" in str(count)


async def test_nothing_is_counted_before_and_after(database: Database) -> None:
    count = await read_and_write(database, reads=1)
    before = (count.statements, count.turns)
    await read_and_write(database, reads=1)
    assert (count.statements, count.turns) == before


async def test_a_write_that_fails_is_no_commit(database: Database) -> None:
    with counting(database) as count, pytest.raises(ZeroDivisionError):
        async with database.write() as session:
            await workers.forget_old(session, NOON)
            raise ZeroDivisionError
    assert (count.statements, count.writes) == (1, 0)


async def test_a_statement_too_many_is_shown_with_who_asked_it(database: Database) -> None:
    may_ask = asks_of(await read_and_write(database, reads=1))
    count = await read_and_write(database, reads=2)
    with pytest.raises(AssertionError, match="raised only with a reason") as failure:
        hold("Some work", asks_of(count), may_ask, str(count))
    assert "Some work: 4 statements, 1 reading and 1 writing transactions; the budget says 3" in str(failure.value)
    assert "2 x SELECT ... FROM runs JOIN public_bots" in str(failure.value)
    assert "<- runs.find" in str(failure.value)


async def test_a_statement_that_was_saved_is_to_be_kept_saved(database: Database) -> None:
    may_ask = asks_of(await read_and_write(database, reads=2))
    count = await read_and_write(database, reads=1)
    with pytest.raises(AssertionError, match="lower its line"):
        hold("Some work", asks_of(count), may_ask, str(count))


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_commands_are_told_apart_however_their_bytes_come(size: int) -> None:
    reader, data = CommandReader(), b"".join(GET_AND_SET)
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    assert [command for piece in pieces for command in reader.feed(piece)] == [
        (b"GET", b"a"),
        (b"SET", b"a", b"\r\n*2"),
    ]


def test_what_is_sent_at_once_is_one_trip(proxy: RedisProxy) -> None:
    with Redis.from_url(proxy.url) as client:
        client.ping()
        before = len(proxy.trips)
        with client.pipeline(transaction=True) as pipe:
            pipe.lpush("some", 1)
            pipe.zadd("others", {"one": 1})
            pipe.execute()
        client.brpop(["some"], timeout=1)
        client.brpop(["some"], timeout=0.01)
        trips = proxy.trips[before:]
    assert [name_of(trip) for trip in trips] == [
        "MULTI, LPUSH some, ZADD others, EXEC",
        "BRPOP, with a message",
        "BRPOP, in vain",
    ]
    assert by_purpose(trips).total() == 2, "what polls in vain is no work's"
