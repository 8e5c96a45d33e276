"""What backup.sh and restore.sh promise to a person and to a timer, as real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import HOME
from storage.database import database_url
from tests.pipeline.shell import make_executable
from tests.storage.full_database import contents, fill, make_schema

SECRET = "a key that only the tests know"


class Checkout:
    """The scripts in a project folder of their own, with a database."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        (self.project / "var").mkdir(parents=True)
        shutil.copytree(HOME / "scripts", self.project / "scripts")
        for name in ("pipeline", "storage", "texts", "settings.py", "settings.toml"):
            (self.project / name).symlink_to(HOME / name)
        for name in ("requirements.txt", "requirements-dev.txt"):
            shutil.copy(HOME / name, self.project / name)
        venv = folder / "venv"
        make_executable(venv / "bin" / "python", f'exec "{sys.executable}" "$@"\n')
        shutil.copy(HOME / "requirements.txt", venv / ".installed-run")
        setting = f"sqlite:///{folder}/digest.db"
        self.url = database_url(setting, HOME)
        self.key = self.project / "var" / "secret.key"
        self.backups = folder / "backups"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.environment = {**clean, "DIGEST_VENV": str(venv), "DIGEST_DATABASE__URL": setting}

    def run(self, name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.project / "scripts" / name, *arguments],
            cwd=self.backups.parent, env={**self.environment, **variables}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path)
    make_schema(checkout.url, "head")
    fill(checkout.url)
    return checkout


def test_a_backup_is_made_its_path_printed_and_the_key_laid_beside_it_once(checkout: Checkout) -> None:
    checkout.key.write_text(SECRET)
    done = checkout.run("backup.sh", "backups")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert Path(done.stdout.strip()).parent == checkout.backups
    assert Path(done.stdout.strip()).stat().st_mode & 0o777 == 0o600
    (key,) = checkout.backups.glob("secret-*.key")
    assert (key.read_text(), key.stat().st_mode & 0o777) == (SECRET, 0o600)
    Path(done.stdout.strip()).unlink()
    checkout.run("backup.sh", "backups")
    assert list(checkout.backups.glob("secret-*.key")) == [key]
    assert SECRET not in done.stdout + done.stderr


def test_old_backups_go_and_nothing_else(checkout: Checkout) -> None:
    checkout.backups.mkdir()
    old = [checkout.backups / f"digest-2026010{day}T000000Z.zip" for day in range(1, 6)]
    others = [checkout.backups / name for name in ("digest-of-friends.zip", "before-restore-20260101T000000Z.zip", "a")]
    for path in (*old, *others):
        path.write_text("x")
    new = checkout.run("backup.sh", str(checkout.backups), DIGEST_BACKUPS_KEPT="3").stdout.strip()
    assert sorted(checkout.backups.iterdir()) == sorted([*old[3:], Path(new), *others])


def test_a_backup_that_fails_removes_nothing_and_ends_with_1(checkout: Checkout) -> None:
    checkout.backups.mkdir()
    (checkout.backups / "digest-20260101T000000Z.zip").write_text("x")
    Path(checkout.url.database or "").unlink()
    done = checkout.run("backup.sh", str(checkout.backups), DIGEST_BACKUPS_KEPT="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no database to back up yet.\nNo backup was made." in done.stderr
    assert len(list(checkout.backups.iterdir())) == 1
    assert checkout.run("backup.sh", "a", "b").returncode == 2
    assert checkout.run("backup.sh", DIGEST_BACKUPS_KEPT="none").returncode == 2


def test_on_a_new_machine_database_and_key_come_back(checkout: Checkout) -> None:
    checkout.key.write_text(SECRET)
    path = checkout.run("backup.sh", str(checkout.backups)).stdout.strip()
    before = contents(checkout.url)
    checkout.key.unlink()
    for file in Path(checkout.url.database or "").parent.glob("digest.db*"):
        file.unlink()
    done = checkout.run("restore.sh", f"backups/{Path(path).name}", "--nothing-sent-after", "backup")
    assert done.returncode == 0, done.stderr
    assert contents(checkout.url)["posts"] == before["posts"]
    assert (checkout.key.read_text(), checkout.key.stat().st_mode & 0o777) == (SECRET, 0o600)
    assert checkout.run("restore.sh", path).returncode == 1
    assert checkout.run("restore.sh", "gone.zip").returncode == 2
