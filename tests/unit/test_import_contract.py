"""The import contract of pyproject.toml holds, and would be seen to break."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import HOME

PACKAGES = ("telegram_bot", "pipeline", "storage", "texts")

# Each line breaks one promise: who must not know, of whom, and the contract that is to say so.
BREACHES = [
    ("storage/records/runs.py", "pipeline.errors", "One direction"),
    ("texts/catalogue.py", "storage.records", "One direction"),
    ("pipeline/ports.py", "pipeline.services.starting", "Inside the pipeline"),
    ("pipeline/sources/reading.py", "pipeline.stages.periods", "Inside the pipeline"),
    ("pipeline/stages/batching.py", "asyncio", "Stages are pure: no I/O library"),
    ("pipeline/stages/splitting.py", "storage.runs", "Stages are pure: no I/O library"),
    ("pipeline/stages/periods.py", "time", "Stages are pure: no clock"),
    ("pipeline/checks/machine.py", "os", "Stages are pure: no clock"),
    ("telegram_bot/views/card.py", "random", "Stages are pure: no clock"),
    ("telegram_bot/routers/status.py", "storage.models", "Only storage knows the tables"),
    ("pipeline/services/ticking.py", "celery", "Services reach outside things through ports"),
    ("pipeline/services/planning.py", "pipeline.adapters.doorbell", "Adapters are known where"),
    ("telegram_bot/routers/digests.py", "pipeline.adapters.courier", "Adapters are known where"),
    ("telegram_bot/routers/help.py", "pipeline.wiring", "Wiring is used by the doors alone"),
    ("storage/posts.py", "aiogram", "Storage knows no messenger"),
    ("texts/__init__.py", "settings", "Texts need no settings"),
    ("telegram_bot/polling.py", "redis", "The bot talks to"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "COLUMNS": "250"}  # else long names go over two lines
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("settings.py", "pyproject.toml"):
        shutil.copy(HOME / file, tmp_path / file)
    return tmp_path


def names(output: str, verdict: str) -> list[str]:
    """The contracts that were found kept, or broken."""
    return re.findall(rf"^(\S.*) {verdict}\b", output, re.MULTILINE)


def explanation(output: str, name: str) -> str:
    """What is said of a broken contract."""
    found = re.search(rf"^{re.escape(name)}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", output, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_the_contract_holds() -> None:
    done = lint(HOME)
    assert done.returncode == 0, done.stdout
    assert names(done.stdout, "BROKEN") == []


def test_breaking_it_is_seen_and_told_with_the_contract_and_the_import(copy: Path) -> None:
    for module, imported, _ in BREACHES:
        path = copy / module
        path.write_text(f"{path.read_text()}\nimport {imported}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stderr
    assert names(done.stdout, "KEPT") == [], "each contract is broken by one of these at least"
    for module, imported, contract in BREACHES:
        (name,) = [name for name in names(done.stdout, "BROKEN") if name.startswith(contract)]
        importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"{importer} -> {imported} " in explanation(done.stdout, name), f"{name}: {module} imports {imported}"


def test_a_new_module_of_the_pipeline_must_say_on_which_floor_it_stands(copy: Path) -> None:
    (copy / "pipeline" / "newcomer.py").touch()
    done = lint(copy)
    assert done.returncode == 1
    assert names(done.stdout, "BROKEN") == ["Inside the pipeline a floor uses what is below it"]
    assert "newcomer" in done.stdout


def test_settings_stand_below_everything() -> None:
    """A single module is nothing that the linter looks into."""
    tree = ast.parse((HOME / "settings.py").read_text())
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imported
    assert not {name.partition(".")[0] for name in imported} & set(PACKAGES)
