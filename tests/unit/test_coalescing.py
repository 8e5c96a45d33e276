"""Questions that come while one is answered are answered together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.coalescing import MOST_AT_ONCE, Coalescer


class Desk:
    """Answers a number with its double, once it is let; -1 cannot be answered, and 0 closes it."""

    def __init__(self) -> None:
        self.coalescer = Coalescer()
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()

    async def answer(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        await self.open.wait()
        if 0 in numbers:
            raise OSError("closed")
        if -1 in numbers:
            raise ValueError(f"no answer to {list(numbers)}")
        return [2 * number for number in numbers]

    def ask(self, number: int, key: str = "key") -> asyncio.Task[int]:
        return asyncio.ensure_future(self.coalescer.ask(key, number, self.answer, (OSError,)))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_alone_is_answered_at_once() -> None:
    desk = Desk()
    desk.open.set()

    assert await desk.ask(1) == 2
    assert await desk.ask(2) == 4
    assert desk.groups == [[1], [2]]


async def test_who_comes_meanwhile_is_answered_together() -> None:
    desk = Desk()
    first = desk.ask(1)
    await turn()
    others = [desk.ask(2), desk.ask(3)]
    await turn()

    desk.open.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert desk.groups == [[1], [2, 3]]


async def test_keys_have_nothing_to_do_with_each_other() -> None:
    desk = Desk()
    asked = [desk.ask(1, "one"), desk.ask(2, "two")]
    await turn()

    desk.open.set()

    assert await asyncio.gather(*asked) == [2, 4]
    assert desk.groups == [[1], [2]]


async def test_a_group_has_a_size() -> None:
    desk = Desk()
    desk.open.set()

    answers = await asyncio.gather(*(desk.ask(number) for number in range(1, 2 * MOST_AT_ONCE + 2)))

    assert answers == [2 * number for number in range(1, 2 * MOST_AT_ONCE + 2)]
    assert list(map(len, desk.groups)) == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


async def test_one_that_fails_fails_alone() -> None:
    desk = Desk()
    desk.open.set()

    answers = await asyncio.gather(*map(desk.ask, (1, -1, 2)), return_exceptions=True)

    assert (answers[0], answers[2]) == (2, 4)
    with pytest.raises(ValueError, match=r"no answer to \[-1\]"):
        raise answers[1] if isinstance(answers[1], Exception) else AssertionError(answers[1])
    assert desk.groups == [[1, -1, 2], [1], [-1], [2]]


async def test_what_fails_for_all_is_tried_once() -> None:
    desk = Desk()
    desk.open.set()

    answers = await asyncio.gather(*map(desk.ask, (1, 0, 2)), return_exceptions=True)

    assert [str(one) for one in answers] == ["closed"] * 3
    assert desk.groups == [[1, 0, 2]]


async def test_who_is_cancelled_while_waiting_is_not_asked_for() -> None:
    desk = Desk()
    first = desk.ask(1)
    await turn()
    second, third = desk.ask(2), desk.ask(3)
    await turn()

    second.cancel()
    await turn()
    assert second.cancelled()
    desk.open.set()

    assert list(await asyncio.gather(first, third)) == [2, 6]
    assert desk.groups == [[1], [3]]


async def test_who_is_cancelled_in_the_middle_waits_for_the_end() -> None:
    desk = Desk()
    asked = desk.ask(1)
    await turn()

    asked.cancel()
    await turn()
    assert not asked.done()
    desk.open.set()

    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await desk.ask(2) == 4  # and the desk goes on


async def test_who_is_cancelled_in_the_middle_of_a_failure_leaves_nothing_behind() -> None:
    desk = Desk()
    asked = desk.ask(-1)
    await turn()

    asked.cancel()
    desk.open.set()

    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await desk.ask(2) == 4
