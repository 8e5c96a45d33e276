"""How the outside behaves: a few slips all the time, and storms that a fault brings for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.servers import model_faults
from tests.servers.model_answers import Question
from tests.servers.model_faults import Behaviour, Override
from tests.servers.telegram_faults import Fault, FaultHook
from tests.servers.telegram_records import Call

MODEL_SLIPS = 0.03
TELEGRAM_SLIPS = 0.003
RETRY_AFTER_S = 20


def _wrong_category(question: Question) -> Override:
    return model_faults.with_field(next(iter(question.posts)), "category", "A category that nobody has")


def _left_out(question: Question) -> Override:
    return model_faults.missing(list(question.posts)[-1])


SLIPS: tuple[Callable[[Question], Override], ...] = (
    _wrong_category,
    _left_out,
    lambda question: model_faults.refusal(),
    lambda question: model_faults.cut_after(40),
    lambda question: model_faults.broken(),
    lambda question: model_faults.html(),
    lambda question: model_faults.error(500),
    lambda question: model_faults.error_inside(),
    lambda question: Override(reset=True),
)
GARBAGE = (model_faults.html(), model_faults.broken(), model_faults.empty(), model_faults.no_choices())


@dataclass
class ModelMood:
    """What the model server does with a question; the newest storm wins. `pauses` are the times, in Unix time, within
    which nobody may call, since the server said so."""

    chance: random.Random
    pauses: list[tuple[float, float]] = field(default_factory=list)
    _storms: list[Behaviour] = field(default_factory=list)

    def __call__(self, question: Question) -> Override | None:
        if self._storms:
            return self._storms[-1](question)
        return self.chance.choice(SLIPS)(question) if self.chance.random() < MODEL_SLIPS else None

    @contextmanager
    def storm(self, behaviour: Behaviour) -> Iterator[None]:
        self._storms.append(behaviour)
        try:
            yield
        finally:
            self._storms.remove(behaviour)

    def garbage(self, question: Question) -> Override:
        return self.chance.choice(GARBAGE)

    def one_flood(self) -> Behaviour:
        """429 with Retry-After, from the first question on until it has passed."""
        begun: list[float] = []

        def flood(question: Question) -> Override | None:
            if not begun:
                begun.append(time.time())
                self.pauses.append((begun[0], begun[0] + RETRY_AFTER_S))
            left_s = begun[0] + RETRY_AFTER_S - time.time()
            headers = {"Retry-After": str(max(1, round(left_s)))}
            return model_faults.error(429, "Slow down", headers=headers) if left_s > 0 else None

        return flood


@dataclass
class TelegramMood:
    """What goes wrong with a call of Telegram; a storm hits a part of the calls, whatever they are."""

    chance: random.Random
    _storms: list[FaultHook] = field(default_factory=list)

    def __call__(self, call: Call) -> Fault | None:
        if self._storms:
            return self._storms[-1](call)
        if call.method == "sendMessage" and self.chance.random() < TELEGRAM_SLIPS:
            return self.chance.choice((Fault.lose_answer(), Fault.drop(), Fault.html(), Fault.delay(1.5)))
        return None

    @contextmanager
    def storm(self, share: float, *faults: Fault) -> Iterator[None]:
        """One of these faults for this share of all calls."""

        def hook(call: Call) -> Fault | None:
            return self.chance.choice(faults) if self.chance.random() < share else None

        self._storms.append(hook)
        try:
            yield
        finally:
            self._storms.remove(hook)
