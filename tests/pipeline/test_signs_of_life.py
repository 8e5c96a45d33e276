"""What a process tells those who started it: that it is ready, that it lives, that it works."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from pipeline import pulse
from pipeline.pulse import Pulse
from pipeline.signs_of_life import FILE, SYSTEMD, SignsOfLife
from storage.database import Database
from tests.processes import until
from tests.support import make_tools


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Its end of the socket, which the environment names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        monkeypatch.setenv(SYSTEMD, str(tmp_path / "notify"))
        yield end


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FILE, str(tmp_path / "sign"))
    return tmp_path / "sign"


@pytest.fixture
async def beating(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A process at work, in a hurry."""
    monkeypatch.setattr(pulse, "TICK_EVERY_S", 0.01)
    monkeypatch.setattr(pulse, "LIVE_EVERY_S", 0.01)
    beats = Pulse(make_tools(database), None)
    beats.start()
    yield
    await beats.stop()


def heard(systemd: socket.socket) -> list[bytes]:
    found: list[bytes] = []
    while True:
        try:
            found.append(systemd.recv(100))
        except BlockingIOError:
            return found


async def test_systemd_hears_that_it_is_ready_once_and_then_again_and_again_that_it_lives(
    systemd: socket.socket, file: Path, beating: None
) -> None:
    words: list[bytes] = []

    def lived_twice() -> bool:
        words.extend(heard(systemd))
        return len(words) > 2

    await until(lived_twice, "two signs of life")
    assert words[0] == b"READY=1"
    assert set(words[1:]) == {b"WATCHDOG=1"}


async def test_the_file_is_touched_again_and_again_while_the_work_is_looked_after(file: Path, beating: None) -> None:
    await until(file.exists, "the first sign")
    first = file.stat().st_mtime_ns
    await until(lambda: file.stat().st_mtime_ns > first, "another sign")


async def test_a_process_that_cannot_reach_its_database_lives_but_does_not_work(
    systemd: socket.socket, file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def fails(*_: object) -> bool:
        nonlocal tries
        tries += 1
        raise OperationalError("SELECT 1", {}, Exception("no route to host"))

    monkeypatch.setattr(pulse, "tick", fails)
    monkeypatch.setattr(pulse, "TICK_EVERY_S", 0.01)
    monkeypatch.setattr(pulse, "LIVE_EVERY_S", 0.01)
    beats = Pulse(make_tools(database), None)
    beats.start()
    await until(lambda: b"WATCHDOG=1" in heard(systemd) and tries > 2, "a sign of life, and some tries")
    assert not file.exists()
    await beats.stop()


def test_nobody_is_told_where_nobody_asked() -> None:
    signs = SignsOfLife({})
    signs.is_ready()
    signs.lives()
    signs.works()


def test_an_abstract_socket_of_systemd_is_understood() -> None:
    name = f"digest-test-{id(object())}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        end.settimeout(5)
        SignsOfLife({SYSTEMD: f"@{name}"}).lives()
        assert end.recv(100) == b"WATCHDOG=1"
