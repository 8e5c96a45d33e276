"""What scripts/lib.sh promises: a program that dies is started again and stops cleanly, packages are installed once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from settings import HOME
from tests.pipeline.shell import DEADLINE_S, make_executable, wait_until

LIB = HOME / "scripts" / "lib.sh"


def hear_ctrl_c() -> None:
    """The tests may run in the background, where a shell ignores it for good."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Kept:
    """A program kept running by `run_forever`; `story` is what it wrote about its lives."""

    def __init__(self, folder: Path, program: str) -> None:
        self.log = folder / "log"
        self.log.touch()
        child = make_executable(folder / "child", f'say() {{ echo "$1" >>"{self.log}"; }}\nsay start\n{program}\n')
        keeper = make_executable(folder / "keeper", f'set -euo pipefail\n. "{LIB}"\nrun_forever "The child" "$@"\n')
        self._errors = folder / "errors"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [keeper, child], stderr=errors, start_new_session=True, preexec_fn=hear_ctrl_c
            )

    def story(self) -> list[str]:
        return self.log.read_text().split()

    def errors(self) -> str:
        return self._errors.read_text()

    def end(self) -> tuple[int, str]:
        return self.process.wait(DEADLINE_S), self.errors()


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


TAKES_EVERY_SIGNAL = """
import signal, sys

def say(word):
    print(word, flush=True)

def stop(*_):
    say("term")
    sys.exit()

signal.signal(signal.SIGINT, lambda *_: say("int"))
signal.signal(signal.SIGTERM, stop)
say("ready")
while True:
    signal.pause()
"""


def test_ctrl_c_reaches_the_program_as_one_sigterm(tmp_path: Path) -> None:
    # In Python, for a shell cannot handle a signal that it was started to ignore, as a background process is.
    (tmp_path / "child.py").write_text(TAKES_EVERY_SIGNAL)
    kept = Kept(tmp_path, f'exec "{sys.executable}" "{tmp_path}/child.py" >>"{tmp_path}/log"')
    wait_until(lambda: "ready" in kept.story())
    os.killpg(kept.process.pid, signal.SIGINT)
    assert kept.end() == (0, "")
    assert kept.story() == ["start", "ready", "term"]


def test_a_request_to_stop_does_not_wait_for_the_next_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "exit 1")
    wait_until(lambda: "is started again in 2 s" in kept.errors())
    began = time.monotonic()
    kept.process.send_signal(signal.SIGTERM)
    code, errors = kept.end()
    assert code == 0, errors
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


def test_what_a_script_says_is_json_where_the_settings_that_env_names_ask_for_it(tmp_path: Path) -> None:
    shutil.copytree(HOME / "scripts", tmp_path / "scripts")
    (tmp_path / "production.toml").write_text('[logging]\nformat = "json"\n')
    (tmp_path / ".env").write_text(f"DIGEST_SETTINGS_FILE={tmp_path}/production.toml\n")
    script = make_executable(tmp_path / "talk", f'set -euo pipefail\n. "{tmp_path}/scripts/lib.sh"\ntell "It ended."\n')
    said = subprocess.run([script], capture_output=True, text=True, timeout=DEADLINE_S).stderr
    assert json.loads(said)["message"] == "It ended."
