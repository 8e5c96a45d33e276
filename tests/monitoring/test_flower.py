"""What start_monitoring.sh and stop_monitoring.sh promise, with a real run to look at."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from pipeline.celery_app import make_monitor_app
from pipeline.commands.flower import Seat
from tests.faults.leaks import PASSWORD, leaks
from tests.monitoring.conftest import ORDER
from tests.monitoring.flower import Flower
from tests.processes import Installation, until
from tests.servers.redis_server import RedisServer

NAMES = {"process_bot_digest", "categorize_posts", "summarize_posts", "assemble_digest"}


@pytest.fixture(scope="module")
def flower(installation: Installation) -> Iterator[Flower]:
    """It has looked on while a digest was made."""
    flower = Flower(installation)
    code, said = flower.start()
    assert code == 0, said
    installation.pipeline(*ORDER)
    yield flower
    flower.stop()


@pytest.fixture(scope="module")
def password(flower: Flower, installation: Installation) -> str:
    """Nobody has set one, so it was made."""
    return (installation.folder / "flower.password").read_text().strip()


async def seen_by(flower: Flower, password: str) -> dict[str, set[str]]:
    """The names of the tasks of the run with their arguments, once the last of them is there."""

    def tasks() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for task in flower.answer("/api/tasks", password).values():
            if task["name"]:
                found.setdefault(task["name"], set()).add(task["args"])
        return found

    await until(lambda: set(tasks()) >= NAMES, "a look at every kind of task")
    return tasks()


@pytest.mark.parametrize("path", ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks"])
def test_without_the_password_nothing_is_shown(flower: Flower, password: str, path: str) -> None:
    assert [flower.status(path), flower.status(path, "a guess"), flower.status(path, password)] == [401, 401, 200]


async def test_it_shows_tasks_by_their_names_with_the_ids_they_were_told(flower: Flower, password: str) -> None:
    tasks = await seen_by(flower, password)
    assert set(tasks) == NAMES
    assert all(_is_an_id(arguments) for group in tasks.values() for arguments in group), tasks
    task = next(iter(flower.answer("/api/tasks", password)))
    page = flower.page(f"/task/{task}", password).decode()
    assert any(name in page for name in NAMES)


async def test_it_shows_the_worker_with_its_queues(flower: Flower, password: str) -> None:
    host = socket.gethostname()
    await until(lambda: bool(flower.answer("/api/workers?refresh=1", password)), "an answer of the worker")
    workers = flower.answer("/api/workers", password)
    assert set(workers) == {f"north@{host}"}
    queues = {queue["name"] for queue in workers[f"north@{host}"]["active_queues"]}
    assert queues == {"categorize", "summarize", "deliver", "housekeeping"}
    assert flower.status(f"/worker/north@{host}", password) == 200
    shown = flower.page("/broker", password).decode()
    assert all(queue in shown for queue in queues)


async def test_nothing_can_be_done_to_workers_from_it(flower: Flower, password: str) -> None:
    await until(lambda: bool(flower.answer("/api/workers?refresh=1", password)), "an answer of the worker")
    page = flower.page(f"/worker/north@{socket.gethostname()}", password).decode()
    assert "worker-shutdown" not in page


def test_it_listens_for_this_machine_only(flower: Flower) -> None:
    listening = [one.laddr for one in flower.process().net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", flower.port)]


def test_no_password_is_on_a_command_line_or_in_its_log(
    flower: Flower, password: str, installation: Installation
) -> None:
    evidence = {"the list of processes": "\n".join(" ".join(one.cmdline()) for one in _processes()).encode()}
    evidence["the log"] = (installation.folder / "flower" / "flower.log").read_bytes()
    assert b"pipeline flower" in evidence["the list of processes"]
    assert b"Flower is at" in evidence["the log"]
    assert leaks([PASSWORD], evidence) == []
    assert [source for source, content in evidence.items() if password.encode() in content] == []


def test_the_made_password_is_for_its_owner_alone(installation: Installation, password: str) -> None:
    assert len(password) >= 30
    assert (installation.folder / "flower.password").stat().st_mode & 0o777 == 0o600
    assert (installation.folder / "flower").stat().st_mode & 0o777 == 0o700


def test_the_start_shows_how_redis_and_the_workers_are(
    flower: Flower, installation: Installation, redis: RedisServer
) -> None:
    worker = installation.python_of("north")
    assert f"worker north@{socket.gethostname()}, process {worker.pid}: at most " in flower.said
    assert "latency monitor: notes what takes 100 ms or longer" in flower.said
    with Redis.from_url(redis.url, password=PASSWORD.value, decode_responses=True) as client:
        assert client.config_get("latency-monitor-threshold") == {"latency-monitor-threshold": "100"}


async def test_what_it_has_seen_outlives_a_restart(flower: Flower, password: str) -> None:
    before = await seen_by(flower, password)
    process = flower.process()
    assert flower.stop() == (0, f"Stopped Flower at http://127.0.0.1:{flower.port}.\n")
    assert not process.is_running()
    assert flower.stop() == (0, "No Flower of this installation is running.\n")
    assert flower.start()[0] == 0
    assert await seen_by(flower, password) == before


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    installation = Installation(tmp_path, DIGEST_FLOWER_DIR=str(tmp_path / "flower"), DIGEST_ENGINE__MODE="local")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = Flower(installation).start(str(port))
    assert code == 1
    assert f"Flower cannot listen on 127.0.0.1:{port} (Address already in use)" in said
    assert said.endswith("flower.log is above.\n")


def test_its_page_about_redis_uses_the_certificate_that_the_url_names() -> None:
    app = make_monitor_app("rediss://:word@redis.internal:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required")
    assert app.conf.broker_use_ssl["ssl_ca_certs"] == "/etc/ca.pem"
    assert make_monitor_app("redis://127.0.0.1:6379/0").conf.broker_use_ssl is False


def test_there_is_one_flower_of_an_installation(tmp_path: Path) -> None:
    with Seat(tmp_path) as first, Seat(tmp_path) as second:
        assert first.take()
        first.announce("http://127.0.0.1:5555")
        assert not second.take()
        assert second.holder() == f"{os.getpid()} http://127.0.0.1:5555"
    with Seat(tmp_path) as third:
        assert third.holder() is None
        assert third.take()


def test_a_number_left_behind_ends_no_innocent_process(tmp_path: Path) -> None:
    innocent = subprocess.Popen(["sleep", "60"])
    (tmp_path / "flower").mkdir()
    (tmp_path / "flower" / "flower.pid").write_text(f"{innocent.pid} http://127.0.0.1:5555\n")
    flower = Flower(Installation(tmp_path, DIGEST_FLOWER_DIR=str(tmp_path / "flower")))
    assert flower.stop() == (0, "No Flower of this installation is running.\n")
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait(10)


@pytest.mark.parametrize(("user", "word"), [("anna:", "DIGEST_FLOWER_USER"), ("anna", "DIGEST_FLOWER_PASSWORD")])
def test_a_login_that_no_browser_can_send_is_refused_in_a_sentence(tmp_path: Path, user: str, word: str) -> None:
    installation = Installation(
        tmp_path, DIGEST_FLOWER_DIR=str(tmp_path / "flower"), DIGEST_FLOWER_USER=user, DIGEST_FLOWER_PASSWORD="пароль"
    )
    done = installation.pipeline("flower", "--port", "0", check=False)
    assert (done.returncode, done.stderr.partition(" cannot be used")[0]) == (2, word)


@pytest.mark.slow
async def test_in_the_foreground_it_is_started_again_and_ends_cleanly(tmp_path: Path) -> None:
    installation = Installation(
        tmp_path,
        DIGEST_FLOWER_DIR=str(tmp_path / "flower"),
        DIGEST_FLOWER_PASSWORD="known",
        DIGEST_ENGINE__MODE="local",
    )
    flower = Flower(installation)
    script = installation.start("flower", "scripts/start_monitoring.sh", "--foreground", str(flower.port))
    try:
        await until(lambda: installation.log("flower").count("Flower is at") == 1, "Flower")
        os.kill(flower.process().pid, signal.SIGKILL)
        await until(lambda: installation.log("flower").count("Flower is at") == 2, "Flower once more")
        assert flower.status("/api/tasks", "known") == 200
        script.send_signal(signal.SIGTERM)
        assert script.wait(30) == 0
    finally:
        installation.stop_all()
    assert "known" not in installation.log("flower")
    assert not (tmp_path / "flower.password").exists()


def _is_an_id(arguments: str) -> bool:
    found = ast.literal_eval(arguments)
    return type(found) in (list, tuple) and len(found) == 1 and type(found[0]) is int


def _processes() -> Iterator[psutil.Process]:
    for one in psutil.process_iter():
        try:
            one.cmdline()
        except psutil.Error:
            continue
        yield one
