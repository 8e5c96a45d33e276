"""The database is locked, or has no room: nothing is said that is not so, and all goes on when it works again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from tests.faults.conftest import OpenScene
from tests.faults.desk import ADMIN_SETTINGS, Desk
from tests.faults.ledger import measured, wait_for
from tests.faults.scene import PERIOD, Scene

SMALL_DISK = Path(__file__).parent / "small_disk"
READERS = 30
FEW_READERS = 8


@contextmanager
def locked_sqlite(scene: Scene) -> Iterator[None]:
    """Another process would not be different: nobody else may write."""
    file = make_url(scene.database_setting).database
    with sqlite3.connect(str(file), isolation_level=None, timeout=60) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")
    other.close()


@contextmanager
def locked_postgresql(scene: Scene) -> Iterator[None]:
    """Nobody else may even read these tables."""
    engine = create_engine(make_url(scene.database_setting).set(drivername="postgresql+psycopg"))
    with engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE runs, work, deliveries, cards IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


def use_up_the_last_page(scene: Scene) -> None:
    """A table has room on its last page: until that is used up, too, a full disk does not show."""
    row = "INSERT INTO actions (at, operator_name, kind, details) VALUES ('2026-11-03 12:00:00', '', 'start', '{}')"
    with sqlite3.connect(str(make_url(scene.database_setting).database), timeout=60) as other:
        other.execute("PRAGMA max_page_count=1")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            for _ in range(200):
                other.execute(row)
                other.commit()
    other.close()


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("sqlite", 3.0, id="SQLite for a moment", marks=pytest.mark.slow),
        pytest.param("sqlite", 12.0, id="SQLite for longer than anybody waits", marks=pytest.mark.slow),
        pytest.param("postgresql", 12.0, id="PostgreSQL for longer than anybody waits", marks=pytest.mark.slow),
    ],
)
def test_locked_in_a_run_and_in_a_delivery(
    request: pytest.FixtureRequest, open_scene: OpenScene, kind: str, seconds: float
) -> None:
    variables = {"DIGEST_DELIVERY__MESSAGES_PER_SECOND": "5"}
    if kind == "postgresql":
        variables["DIGEST_DATABASE__URL"] = request.getfixturevalue("postgres_url")
    scene = open_scene(**variables)
    locked = locked_sqlite if kind == "sqlite" else locked_postgresql
    scene.model.latency_s = 0.3
    slug = scene.open_bot(posts=20, readers=READERS)
    scene.start_bare_worker("one", "--concurrency", "2")
    scene.start_run(slug)
    for condition, what in during(scene):
        wait_for(condition, what)
        with locked(scene):
            time.sleep(seconds)
    free_at = time.monotonic()
    (run,) = scene.ledger.wait_for_the_end(1)
    measured(f"{kind} locked for {seconds:.0f} s, until the run has ended after that", time.monotonic() - free_at)
    assert run.state == "done"
    scene.check(posts=20)
    assert not scene.ledger.set_aside()
    states = [state for *_, state in scene.ledger.deliveries()]
    assert states == ["sent"] * READERS, "nothing is in doubt"
    log = scene.installation.log("one")
    assert "Traceback" not in log, log[log.index("Traceback") - 300 :][:6000]


def during(scene: Scene) -> list[tuple[Callable[[], bool], str]]:
    return [
        (lambda: len(scene.model.calls) >= 2, "the second model call"),
        (lambda: len(scene.telegram.sent) >= 8, "the eighth message"),
    ]


@pytest.mark.slow
def test_locked_when_an_operator_asks(desk: Desk) -> None:
    """Who asks meanwhile is answered: with the run where the lock was short, with what is wrong where it was long."""
    scene = desk.scene
    slug = scene.open_bot(posts=5)
    scene.start_bare_worker("one")
    desk.start_bot()
    with locked_sqlite(scene):
        asked_at = desk.say(f"/digest {slug} {PERIOD}")
        answer = desk.message("The database does not answer")
        measured("an operator is told that the database is locked after", answer.sent_at - asked_at)
    assert not scene.ledger.runs()
    desk.say(f"/digest {slug} {PERIOD}")
    assert scene.ledger.wait_for_the_end(1)[0].state == "done"
    wait_for(lambda: len(desk.digests()) == 1, "the digest")
    scene.check(posts=5)


def test_full(open_scene: OpenScene, tmp_path: Path) -> None:
    """Operators are told, no answer of the model is paid for and lost, and nobody is said to have what was not sent."""
    is_full = tmp_path / "the disk is full"
    variables = {**ADMIN_SETTINGS, "PYTHONPATH": str(SMALL_DISK), "TEST_DISK_IS_FULL": str(is_full)}
    desk = Desk(open_scene(**variables))
    scene = desk.scene
    scene.model.latency_s = 0.3
    slugs = [scene.open_bot(posts=posts, readers=readers) for posts, readers in ((60, FEW_READERS), (5, 0))]
    scene.start_bare_worker("one", "--concurrency", "2")
    desk.start_bot()
    desk.say(f"/digest {slugs[0]} {PERIOD}")
    wait_for(lambda: len(scene.model.calls) >= 2, "the second model call")
    is_full.touch()
    wait_for(lambda: "disk is full" in scene.installation.log("one"), "a word about it in the worker's log")
    use_up_the_last_page(scene)
    desk.say(f"/digest {slugs[1]} {PERIOD} 5")
    desk.message("The database is full")
    calls = len(scene.model.calls)
    assert len(scene.ledger.runs()) == 1
    assert calls <= 6, "nothing is asked whose answer could not be saved"
    is_full.unlink()
    free_at = time.monotonic()
    (run,) = scene.ledger.wait_for_the_end(1)
    measured("a full database, until the run has ended after there is room", time.monotonic() - free_at)
    assert run.state == "done"
    scene.check(posts=60)
    wait_for(lambda: len(desk.digests()) == 1, "the digest")
    assert not scene.ledger.set_aside()
    assert [state for *_, state in scene.ledger.deliveries()] == ["sent"] * FEW_READERS
