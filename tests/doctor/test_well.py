"""The doctor on an installation that nothing is wrong with, and how it says what it found."""

from __future__ import annotations

import json
import shutil

import pytest

from pipeline.checks.finding import Findings
from pipeline.services.checkup import Checkup
from tests.doctor.ward import Ward


async def test_all_is_well(ward: Ward) -> None:
    report = await ward.doctor()
    assert report.code == 0
    assert [line[0] for line in report.lines] == ["✓"] * 14, report.lines
    assert report.about("Redis").endswith("MiB.")
    assert "worker@here; every queue is served, 4 tasks at a time." in report.about("Workers")
    assert "it knows the admin bot as @digest_desk_bot." in report.about("Telegram")
    assert "Telegram knows all of them: 2 (paused: 0)." in report.about("Public bots")
    assert "agrees with Redis, Telegram, 127.0.0.1" in report.about("Clock")
    assert len(ward.model.calls) == 1


async def test_scripts_read_it_as_json(ward: Ward) -> None:
    await ward.work(queues=("deliver",))
    report = await ward.doctor("--json")
    told = json.loads("\n".join(report.lines))
    assert report.code == 1
    assert told["fine"] is False
    (fault,) = [one for one in told["checks"] if one["mark"] == "fault"]
    assert fault["check"] == "workers"
    assert fault["id"] == "health.workers.unserved"
    assert fault["params"]["argument"] == "categorize,summarize,housekeeping"
    assert "./run_worker.sh --queues categorize,summarize,housekeeping" in fault["said"]


async def test_a_check_that_fails_itself_is_a_fault_and_the_others_go_on(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(checkup: Checkup) -> Findings:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Checkup, "_schedules", fails)
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Schedules"}
    assert "the check itself failed (ZeroDivisionError in test_well.py:" in report.faults["Schedules"]
    assert "a secret" not in report.faults["Schedules"]


async def test_wrong_settings_are_all_named_and_the_rest_is_checked_with_defaults(ward: Ward) -> None:
    ward.variables |= {"LLM__MAX_CONCURRENCY": "many", "DIGEST__BATCH_SIZE": "11", "NOWHERE__X": "1"}
    report = await ward.doctor()
    assert report.code == 2
    said = report.about("Settings")
    for name in ("DIGEST_NOWHERE__X", "DIGEST_LLM__MAX_CONCURRENCY", "DIGEST_DIGEST__BATCH_SIZE"):
        assert name in said
    assert report.faults.keys() == {"Settings"}
    assert "every queue is served" in report.about("Workers")


async def test_settings_that_cannot_be_read_at_all_do_not_end_it(ward: Ward) -> None:
    (ward.folder / "settings.toml").write_text("[telegram\n")
    ward.variables["SETTINGS_FILE"] = str(ward.folder / "settings.toml")
    report = await ward.doctor()
    assert report.code == 2
    assert "is not valid TOML" in report.about("Settings")
    assert "can be written" in report.about("Database"), "what the environment says holds"
    (ward.folder / "settings.toml").unlink()
    assert "There is no settings file" in (await ward.doctor()).about("Settings")


async def test_a_database_url_of_another_kind_is_a_wrong_setting(ward: Ward) -> None:
    ward.variables["DATABASE__URL"] = "mysql://me@host/name"
    report = await ward.doctor()
    assert report.code == 2
    assert "database.url names mysql: only sqlite and postgresql are supported." in report.about("Settings")


async def test_a_bot_without_token_or_operators_is_told_how_to_get_them(ward: Ward) -> None:
    ward.variables |= {"TELEGRAM__ADMIN_TOKEN": "", "TELEGRAM__OPERATOR_IDS": ""}
    report = await ward.doctor()
    assert report.code == 1
    assert "Set DIGEST_TELEGRAM__ADMIN_TOKEN to what @BotFather gave." in report.faults["Settings"]
    assert "! Settings: telegram.operator_ids is empty" in report.faults["Settings"]


async def test_without_a_broker_none_is_missed(ward: Ward) -> None:
    ward.variables |= {"ENGINE__MODE": "local", "REDIS__URL": "redis://127.0.0.1:1/0"}
    report = await ward.doctor()
    assert "– Redis: not needed" in report.about("Redis")
    assert report.faults.keys() == {"Workers"}
    assert "does not run. Start it with ./run_bot.sh." in report.faults["Workers"]


async def test_an_installation_that_was_never_started(ward: Ward) -> None:
    shutil.rmtree(ward.folder)
    ward.folder.mkdir()
    report = await ward.doctor()
    assert report.code == 1
    assert report.faults.keys() == {"Database"}
    assert "there is none yet" in report.faults["Database"]
    assert "it is made at the first start" in report.faults["Database"]
    assert "– Workers: not looked at, because the database cannot be read." in report.lines
