"""Who asked: the query and the service that stand behind a statement."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import greenlet

from settings import HOME

SESSIONS = "storage/database.py"
ROOMS = ("pipeline", "telegram_bot")


def callers() -> str:
    """The function of `storage/` that asks, and the one that called it: `work.claim <- claiming._claim_now`."""
    places = [place for frame in _frames() if (place := _place(frame.f_code)) is not None]
    queries = [name for folder, name in places if folder == "storage"]
    others = [name for folder, name in places if folder in ROOMS]
    return " <- ".join([*queries[:1], *others[:1]])


def _frames() -> Iterator[FrameType]:
    """From the inside out. SQLAlchemy runs a statement in a greenlet; who awaits it stands in that one's parent."""
    frame: FrameType | None = sys._getframe(1)
    thread = greenlet.getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and thread.parent is not None:
            thread = thread.parent
            frame = thread.gr_frame


@cache
def _place(code: CodeType) -> tuple[str, str] | None:
    """The top-level folder and the name of a function of this project; None for all others."""
    path = Path(code.co_filename)
    if not path.is_relative_to(HOME):
        return None
    inside = path.relative_to(HOME)
    return None if inside.as_posix() == SESSIONS else (inside.parts[0], f"{inside.stem}.{code.co_name}")
