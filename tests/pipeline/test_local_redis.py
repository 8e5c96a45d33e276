"""When the scripts start a Redis of their own, and that they do not make people wait to find out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local_redis import is_wanted, main
from settings import DEFAULT_REDIS_URL, HOME, Settings
from tests.pipeline.shell import DEADLINE_S, make_executable

ENSURE = """
set -euo pipefail
. "{lib}"
redis_state() {{ echo {state}; }}
PYTHON="{python}"
PROJECT="{folder}"
ensure_local_redis
"""


@pytest.mark.parametrize(
    ("url", "mode", "wanted"),
    [
        (DEFAULT_REDIS_URL, "celery", True),
        (DEFAULT_REDIS_URL, "local", False),
        ("redis://127.0.0.1:6380/0", "celery", False),
        ("rediss://redis.example.org:6379/0", "celery", False),
    ],
)
def test_a_local_redis_is_wanted_only_by_default(url: str, mode: str, wanted: bool) -> None:
    assert is_wanted(Settings.model_validate({"redis": {"url": url}, "engine": {"mode": mode}})) is wanted


def test_settings_that_cannot_be_used_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "steam")
    assert main() == 2
    assert "engine.mode" in capsys.readouterr().err


def test_nothing_but_the_settings_is_imported_for_the_answer() -> None:
    heavy = '{"sqlalchemy", "celery", "kombu", "redis", "aiogram"}'
    code = f"import sys, pipeline.local_redis; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("state", "answer", "code", "told"),
    [
        ("ready", 0, 0, []),  # the settings are not asked, and nothing is started
        ("free", 0, 0, ["asked", "started"]),
        ("foreign", 0, 0, ["asked", "started"]),  # start_redis.sh says what is in its way
        ("free", 1, 0, ["asked"]),
        ("free", 2, 2, ["asked"]),
    ],
)
def test_a_redis_is_started_where_none_answers_and_the_settings_want_it(
    tmp_path: Path, state: str, answer: int, code: int, told: list[str]
) -> None:
    python = make_executable(tmp_path / "python", f"echo asked\nexit {answer}\n")
    make_executable(tmp_path / "scripts" / "start_redis.sh", "echo started\n")
    script = ENSURE.format(lib=HOME / "scripts" / "lib.sh", state=state, python=python, folder=tmp_path)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout.split()) == (code, told), done.stderr
