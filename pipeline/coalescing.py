"""Doing at once, for many, what each of them asks for itself: as a database commits a group of transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

MOST_AT_ONCE = 16  # the event loop does nothing else meanwhile

Answer = Callable[[Sequence[Q]], Awaitable[Sequence[A]]]


@dataclass(eq=False)
class _Waiting:
    question: Any
    answer: Answer[Any, Any]
    result: asyncio.Future[Any]
    is_in_hand: bool = False


class Coalescer:
    """What is asked under a key while something is answered under it waits, and is then answered together.

    Nobody waits for company: who comes alone is answered at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[_Waiting]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(
        self, key: Hashable, question: Q, answer: Answer[Q, A], fail_together: tuple[type[Exception], ...] = ()
    ) -> A:
        """What `answer` says to the question, which it is given with others of this key.

        It gives one answer to each, in their order. Where it raises an error, those of a group are asked one by one,
        so that each has its own; but not after an error of `fail_together`, which all of them get. Whoever is cancelled
        takes the question back, or waits for its end where it is in hand.
        """
        one = _Waiting(question, answer, asyncio.get_running_loop().create_future())
        if key in self._waiting:
            self._waiting[key].append(one)
        else:
            self._waiting[key] = [one]
            serving = asyncio.get_running_loop().create_task(self._serve(key, fail_together), context=Context())
            self._serving.add(serving)
            serving.add_done_callback(self._serving.discard)
        try:
            return await asyncio.shield(one.result)
        except asyncio.CancelledError:
            if one.is_in_hand:
                await asyncio.wait([one.result])
            one.result.cancel()
            raise

    async def _serve(self, key: Hashable, fail_together: tuple[type[Exception], ...]) -> None:
        waiting = self._waiting[key]
        while waiting:
            group = [one for one in waiting[:MOST_AT_ONCE] if not one.result.done()]
            del waiting[:MOST_AT_ONCE]
            if group:
                await _answer(group, fail_together)
        del self._waiting[key]


async def _answer(group: Sequence[_Waiting], fail_together: tuple[type[Exception], ...]) -> None:
    for one in group:
        one.is_in_hand = True
    try:
        answers = await group[0].answer([one.question for one in group])
        results = list(zip(group, answers, strict=True))
    except Exception as error:  # noqa: BLE001 (whoever asked gets it)
        if len(group) == 1 or isinstance(error, fail_together):
            for one in group:
                one.result.set_exception(error)
                one.result.exception()  # whoever was cancelled does not fetch it
        else:
            for one in group:
                await _answer([one], fail_together)
        return
    for one, result in results:
        one.result.set_result(result)
