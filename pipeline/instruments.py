"""What a check-up is done with: put together by `examination`, or by a test with what it wants to be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from pipeline.checks.seen import BrokerProbe, HttpProbe, Room
from pipeline.toolbox import Provider
from settings import Settings
from storage.database import Database


@dataclass(frozen=True)
class Instruments:
    """`wrong_settings` are whole sentences. `database` is at `url`; both are None where database.url cannot be used.

    `broker` is None where the settings want none, or redis.url cannot be used. `decrypt` opens a public bot's
    token, or raises ForPeople. `room` measures a folder that exists; `folder` is where the installation keeps its
    files. `open_file` is its .env where others may read the secrets in it, else empty. `now` is this machine's clock.
    No check takes longer than `longest_s`.
    """

    settings: Settings
    wrong_settings: Sequence[str]
    url: URL | None
    database: Database | None
    providers: tuple[Provider, ...]
    broker: BrokerProbe | None
    http: HttpProbe
    decrypt: Callable[[str], str]
    room: Callable[[Path], Room]
    folder: Path
    open_file: str
    now: Callable[[], datetime]
    longest_s: float = 30.0
