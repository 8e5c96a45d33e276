"""The limits of a model provider: in one process and shared through Redis, the same promises."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pipeline.adapters.local_model_gate import LocalModelGate
from pipeline.adapters.model_gate import ModelGateWithFallback, RedisModelGate
from pipeline.errors import BrokerUnavailable
from pipeline.ports import CallResult, Limits, ModelGate
from tests.processes import until
from tests.servers.redis_server import RedisServer, running_redis

MakeGate = Callable[..., ModelGate]
names = itertools.count()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["local", "redis"])
async def make_gate(request: pytest.FixtureRequest, redis: RedisServer) -> AsyncIterator[MakeGate]:
    """Gates of one provider that nobody asked before."""
    provider, made = f"p{next(names)}", list[ModelGate]()

    def make(limits: Limits, window_s: float = 60.0) -> ModelGate:
        is_local = request.param == "local"
        gate = LocalModelGate(limits, window_s) if is_local else RedisModelGate(redis.url, provider, limits, window_s)
        made.append(gate)
        return gate

    yield make
    for gate in made:
        await gate.close()


def ticket() -> str:
    return f"t{next(names)}"


async def pass_through(gate: ModelGate, tokens: int, used: int | None = None) -> float:
    """Wait until let in, and leave at once; the moment of entering."""
    mine = ticket()
    while (admission := await gate.enter(mine, tokens)).wait_s > 0:
        await asyncio.sleep(admission.wait_s)
    entered = time.monotonic()
    await gate.leave(mine, CallResult.WORKED, used)
    return entered


def fullest_window(moments: list[float], sizes: list[int], window_s: float) -> int:
    return max(
        sum(size for at, size in zip(moments, sizes, strict=True) if start <= at < start + window_s)
        for start in moments
    )


@pytest.mark.parametrize(("limits", "tokens", "most"), [(Limits(requests=40), 1, 40), (Limits(tokens=4000), 100, 4000)])
async def test_no_window_holds_more_than_the_limit_and_little_of_it_is_left_unused(
    make_gate: MakeGate, limits: Limits, tokens: int, most: int
) -> None:
    window_s = 1.5
    gate = make_gate(limits, window_s)

    async def walk(times: int) -> list[float]:
        return [await pass_through(gate, tokens) for _ in range(times)]

    moments = sorted(itertools.chain.from_iterable(await asyncio.gather(*(walk(20) for _ in range(6)))))
    size = 1 if limits.requests else tokens
    assert fullest_window(moments, [size] * len(moments), window_s) <= most
    assert moments[-1] - moments[0] < 3 * window_s * 1.5, "90 calls are two windows' worth and a bit"


async def test_tokens_that_were_not_used_are_given_back(make_gate: MakeGate) -> None:
    gate = make_gate(Limits(tokens=1000), window_s=600.0)
    for _ in range(20):
        mine = ticket()
        assert (await gate.enter(mine, 900)).wait_s == 0
        await gate.leave(mine, CallResult.WORKED, tokens=1)
    await gate.enter(ticket(), 900)
    assert (await gate.enter(ticket(), 900)).wait_s > 300


async def test_a_call_larger_than_the_limit_is_let_in_when_nothing_else_was(make_gate: MakeGate) -> None:
    gate = make_gate(Limits(tokens=100))
    assert (await gate.enter(ticket(), 5000)).wait_s == 0
    assert (await gate.enter(ticket(), 1)).wait_s > 1


async def test_no_more_are_inside_than_allowed_whoever_asks(make_gate: MakeGate) -> None:
    gate = make_gate(Limits(concurrency=2))
    first, second, third = ticket(), ticket(), ticket()
    assert (await gate.enter(first, 1)).wait_s == (await gate.enter(second, 1)).wait_s == 0
    assert (await gate.enter(third, 1)).wait_s > 0
    await gate.leave(first, CallResult.WORKED)
    assert (await gate.enter(third, 1)).wait_s == 0


async def test_retry_after_holds_everybody_and_is_never_shortened(make_gate: MakeGate) -> None:
    gate = make_gate(Limits())
    one, other = ticket(), ticket()
    await gate.enter(one, 1)
    await gate.enter(other, 1)
    await gate.leave(one, CallResult.SAYS_NOTHING, pause_s=20.0)
    await gate.leave(other, CallResult.SAYS_NOTHING, pause_s=1.0)
    admission = await gate.enter(ticket(), 1)
    assert 15 < admission.wait_s <= 20
    assert not admission.is_outage


async def test_three_failures_in_a_row_are_an_outage_and_one_call_finds_out_that_it_is_over(
    make_gate: MakeGate,
) -> None:
    gate = make_gate(Limits())
    for failures in (1, 2, 3):
        mine = ticket()
        await gate.enter(mine, 1)
        assert await gate.leave(mine, CallResult.FAILED) == failures
    admission = await gate.enter(ticket(), 1)
    assert admission.is_outage
    assert 0 < admission.wait_s <= 2
    await asyncio.sleep(admission.wait_s)
    probe = ticket()
    assert (await gate.enter(probe, 1)).wait_s == 0
    assert (await gate.enter(ticket(), 1)).wait_s > 0, "only one finds out"
    await gate.leave(probe, CallResult.WORKED)
    admission = await gate.enter(ticket(), 1)
    assert (admission.wait_s, admission.is_outage) == (0, False)


async def test_failures_of_calls_that_were_under_way_together_count_once(make_gate: MakeGate) -> None:
    gate = make_gate(Limits())
    tickets = [ticket() for _ in range(30)]
    for one in tickets:
        await gate.enter(one, 1)
    for one in tickets:
        await gate.leave(one, CallResult.FAILED)
    assert (await gate.enter(ticket(), 1)).wait_s <= 2, "the first pause, not the thirtieth"


async def test_what_needs_a_person_is_an_outage_at_once(make_gate: MakeGate) -> None:
    gate = make_gate(Limits())
    mine = ticket()
    await gate.enter(mine, 1)
    await gate.leave(mine, CallResult.BLOCKED, pause_s=30.0)
    admission = await gate.enter(ticket(), 1)
    assert admission.is_outage
    assert admission.wait_s > 25


async def test_two_processes_share_one_limit_and_the_places_of_a_dead_one_are_free_again(redis: RedisServer) -> None:
    provider, limits = f"p{next(names)}", Limits(concurrency=1)
    dying, living = (RedisModelGate(redis.url, provider, limits) for _ in range(2))
    await dying.enter(ticket(), 1)
    assert (await living.enter(ticket(), 1)).wait_s > 0
    await dying.close()

    async def is_let_in() -> bool:
        return (await living.enter("next", 1)).wait_s == 0

    assert await until(is_let_in, "a free place") > 1, "a living process keeps its place longer than a moment"
    await living.close()


async def test_without_redis_each_process_keeps_the_limits_by_itself(tmp_path: Path) -> None:
    nobody = RedisServer(tmp_path / "redis")
    shared = RedisModelGate(nobody.url, "p", Limits(concurrency=1))
    with pytest.raises(BrokerUnavailable):
        await shared.enter(ticket(), 1)
    gate = ModelGateWithFallback(shared, LocalModelGate(Limits(concurrency=1)))
    mine = ticket()
    assert (await gate.enter(mine, 1)).wait_s == 0
    assert (await gate.enter(ticket(), 1)).wait_s > 0
    await gate.leave(mine, CallResult.FAILED)
    assert (await gate.enter(ticket(), 1)).wait_s == 0
    await gate.close()


async def test_what_failed_long_ago_counts_no_more_when_redis_goes_away(redis: RedisServer) -> None:
    """A process by itself knows of the successes, too, and not of failures alone."""
    shared = RedisModelGate(redis.url, f"p{next(names)}", Limits())
    gate = ModelGateWithFallback(shared, own := LocalModelGate(Limits()))
    for result in (CallResult.FAILED, CallResult.FAILED, CallResult.WORKED, CallResult.FAILED):
        mine = ticket()
        assert (await gate.enter(mine, 1)).wait_s == 0
        await gate.leave(mine, result)
    await gate.close()
    admission = await own.enter(ticket(), 1)
    assert (admission.wait_s, admission.is_outage) == (0, False)
