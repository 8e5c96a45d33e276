"""What a line of the log says besides its message: what it is about, and the id of an error that people are told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Subject:
    """The run, the public bot (its slug) and the piece of work that the lines are about, as far as there are any."""

    run: int | None = None
    bot: str | None = None
    work: int | None = None


NOTHING = Subject()

_subject: ContextVar[Subject] = ContextVar("subject", default=NOTHING)


@contextmanager
def about(*, run: int | None = None, bot: str | None = None, work: int | None = None) -> Iterator[None]:
    """All lines of this block, and of the tasks and threads that it starts, are about these; what is left out stays as
    it is around the block. What outlives the block must be started in a context of its own."""
    around = _subject.get()
    marks = Subject(
        run=around.run if run is None else run,
        bot=around.bot if bot is None else bot,
        work=around.work if work is None else work,
    )
    token = _subject.set(marks)
    try:
        yield
    finally:
        _subject.reset(token)


def note(*, run: int, bot: str) -> None:
    """What was found out meanwhile: from here to the end of the `about` block that this stands in."""
    _subject.set(replace(_subject.get(), run=run, bot=bot))


def subject() -> Subject:
    """What the code that asks is about."""
    return _subject.get()


def new_error_id() -> str:
    """For an error that people are told: short enough to be read out."""
    return secrets.token_hex(3)


def found_by(error_id: str) -> Mapping[str, str]:
    """The `extra` of the one line of the log that has this error's traceback."""
    return {"error_id": error_id}
