"""docs/adding-a-task.md is true: its blocks are applied to a copy of the project, and its tests pass there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import HOME

GUIDE = HOME / "docs" / "adding-a-task.md"
BLOCK = re.compile(r"^```(diff|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:[\w-]+/)*[\w.-]+\.(?:py|toml))`")
COPIED = (
    "pipeline", "storage", "telegram_bot", "texts", "tests", "scripts", "deploy", "settings.py", "settings.toml",
    "pyproject.toml", "requirements.txt", "run_worker.sh",
)  # fmt: skip
TESTS = (
    "pipeline/test_paging.py",
    "unit/test_kinds_of_work.py",
    "unit/test_import_contract.py",
    "unit/test_settings.py",
    "unit/test_texts.py",
    "deploy/test_production_settings.py",
)


def copy_project(folder: Path) -> None:
    for name in COPIED:
        if (HOME / name).is_dir():
            shutil.copytree(HOME / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HOME / name, folder / name)


def apply_guide(folder: Path) -> list[str]:
    """Do what the guide says, block by block; the files it has changed or made."""
    guide, files, end = GUIDE.read_text(encoding="utf-8"), [], 0
    for block in BLOCK.finditer(guide):
        if named := FILE.findall(guide[end : block.start()]):
            name = named[0] if "settings.py" in named else named[-1]  # the settings' explanation has a block of its own
            files.append(name)
        end = block.end()
        if block[1] == "python":
            assert not (folder / files[-1]).exists(), f"{files[-1]} is not new"
            (folder / files[-1]).write_text(block[2], encoding="utf-8")
        else:
            change(folder / files[-1], block[2])
    return files


def change(path: Path, diff: str) -> None:
    """Replace what a diff block shows as old, which must stand in the file just once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} holds this {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(folder: Path, *command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_leads_to_a_task_that_works(tmp_path: Path) -> None:
    copy_project(tmp_path)
    files = apply_guide(tmp_path)
    assert len(files) >= 8
    new = [name for name in files if not (HOME / name).exists()]
    changed = [name for name in files if name.endswith(".py") and name not in new]
    run(tmp_path, "-m", "ruff", "check", *new)
    run(tmp_path, "-m", "ruff", "format", "--check", *new)
    run(tmp_path, "-m", "ruff", "check", "--select", "F,I", *changed)
    run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in TESTS))


A_REAL_WORKER = """
import asyncio, tempfile
from pathlib import Path
from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.threads import ServerThread
from tests.support import make_posts, open_desk

async def store(url):
    await migrate(url)
    database = Database(url)
    await open_desk(database, make_posts(3))
    await database.close()

folder = Path(tempfile.mkdtemp(dir=HOME))
redis, model = RedisServer(folder / "redis"), ModelServer()
redis.start()
with ServerThread(model.start, model.stop):
    installation = Installation(folder, DIGEST_REDIS__URL=redis.url, DIGEST_LLM__BASE_URL=model.base_url,
                                DIGEST_DIGEST__PAGES_FOLDER=str(folder / "pages"))
    try:
        asyncio.run(store(database_url(installation.database_url, HOME)))
        installation.start_worker()
        installation.pipeline("digest", "city", "--period", "2026-11-02..2026-11-03", "--no-deliver", "--wait")
        assert [page.name for page in (folder / "pages").iterdir()] == ["1.html"], installation.log("worker")
        assert "write_page(" in installation.log("worker"), installation.log("worker")
    finally:
        installation.stop_all()
        redis.stop()
"""


@pytest.mark.slow
def test_a_real_worker_does_the_task_of_the_guide(tmp_path: Path) -> None:
    copy_project(tmp_path)
    apply_guide(tmp_path)
    run(tmp_path, "-c", A_REAL_WORKER)
