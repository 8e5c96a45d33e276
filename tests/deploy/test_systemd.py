"""deploy/systemd: systemd takes the units, they start programs that exist, and they agree with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import _parser
from pipeline.worker import GRACE_S
from settings import HOME
from tests.deploy.files import DEPLOY, services

FOLDER = DEPLOY / "systemd"
INSTALLED = "/opt/digest-bot"
SERVICES = sorted(FOLDER.glob("*.service"))
PROGRAMS = [unit for unit in SERVICES if "Type=oneshot" not in unit.read_text()]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), flags=re.M)


def value(unit: Path, key: str) -> str:
    found = values(unit, key)
    assert len(found) == 1, f"{unit.name}: {key}"
    return found[0]


def test_systemd_takes_them(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze") or pytest.skip("there is no systemd here")
    for unit in FOLDER.iterdir():
        text = unit.read_text().replace(f"{INSTALLED}/.venv", sys.prefix).replace(INSTALLED, str(HOME))
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text)
    units = sorted(str(unit) for unit in tmp_path.iterdir())
    command = [program, "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_what_a_unit_starts_is_in_the_project_and_may_be_said(unit: Path) -> None:
    command = value(unit, "ExecStart").replace("%i", "1").replace(" $WORKER_OPTIONS", "").split()
    if command[0] == f"{INSTALLED}/.venv/bin/python":
        assert (HOME / command[2] / "__main__.py").is_file()
        if command[2] == "pipeline":
            _parser().parse_args(command[3:])
    else:
        assert (HOME / Path(command[0]).relative_to(INSTALLED)).is_file()


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_runs_as_an_own_user_that_may_write_one_folder(unit: Path) -> None:
    assert value(unit, "User") == value(unit, "Group") == "digest"
    assert value(unit, "WorkingDirectory") == INSTALLED
    assert value(unit, "ReadWritePaths") == f"{INSTALLED}/var"
    assert value(unit, "ProtectSystem") == "strict"
    assert value(unit, "CapabilityBoundingSet") == ""
    for switch in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables"):
        assert value(unit, switch) == "true", switch
    assert values(unit, "MemoryMax")


@pytest.mark.parametrize("unit", PROGRAMS, ids=lambda unit: unit.name)
def test_a_program_comes_back_but_not_with_settings_that_cannot_be_used(unit: Path) -> None:
    assert value(unit, "Restart") == "always"
    assert value(unit, "RestartPreventExitStatus") == "2"
    assert value(unit, "StartLimitIntervalSec") == "0", "it never gives up"
    assert value(unit, "PartOf") == value(unit, "WantedBy") == "digest.target"


def test_a_stop_is_given_the_time_it_takes() -> None:
    stop = value(FOLDER / "digest-worker@.service", "TimeoutStopSec")
    assert int(stop.removesuffix("s")) >= GRACE_S + 10
    assert stop == services()["worker"]["stop_grace_period"]


@pytest.mark.parametrize("name", ["digest-bot.service", "digest-worker@.service"])
def test_who_is_watched_has_time_to_migrate_a_database_first(name: str) -> None:
    assert value(FOLDER / name, "Type") == "notify"
    assert value(FOLDER / name, "TimeoutStartSec") == "infinity"
    assert value(FOLDER / name, "WatchdogSec") == "120s"


def test_the_timer_starts_the_backup() -> None:
    assert (FOLDER / "digest-backup.timer").with_suffix(".service").is_file()
    assert value(FOLDER / "digest-backup.timer", "Persistent") == "true"


def test_containers_and_units_start_the_same_programs() -> None:
    in_units = {tuple(value(unit, "ExecStart").split()[1:4]) for unit in PROGRAMS}
    in_containers = {tuple(services()[name]["command"][1:4]) for name in ("bot", "worker", "flower")}
    assert in_units == in_containers
