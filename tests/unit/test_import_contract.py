"""The import contract of pyproject.toml holds, and would be seen to break."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import HOME

PACKAGES = ("telegram_bot", "pipeline", "storage", "texts")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("settings.py", "pyproject.toml"):
        shutil.copy(HOME / file, tmp_path / file)
    return tmp_path


def test_the_contract_holds(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("storage/records/runs.py", "import pipeline.errors", "One direction"),
        ("pipeline/ports.py", "import pipeline.services.starting", "Inside the pipeline"),
        ("pipeline/stages/batching.py", "import asyncio", "Stages are pure"),
        ("telegram_bot/routers/status.py", "import storage.models", "Only storage knows the tables"),
        ("pipeline/services/planning.py", "import pipeline.adapters.doorbell", "Services reach outside things"),
        ("telegram_bot/routers/status.py", "import pipeline.wiring", "In telegram_bot only app"),
    ],
)
def test_breaking_it_is_seen(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode != 0
    broken = [row for row in done.stdout.splitlines() if "BROKEN" in row]
    assert any(row.startswith(contract) for row in done.stdout.splitlines()), done.stdout
    assert broken
