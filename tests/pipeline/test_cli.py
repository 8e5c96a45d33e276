"""The command line: what it prints, where, and with which exit code. There is no broker: the local engine works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.cli import main

BOTS = """
[[public_bots]]
slug = "city"
title = "The city"
sources = ["wire"]
timezone = "UTC"
[[public_bots.categories]]
name = "Transport"
description = "trams, buses, railways, roads and traffic"
[[public_bots.categories]]
name = "Weather"
description = "weather, rain, storms, temperature"
"""

POSTS = [
    {"id": 1, "date": "2026-11-02T08:00:00", "text": "Trams on line 5 are back after 12 days of repairs at the depot."},
    {"id": 2, "date": "2026-11-02T09:00:00", "text": "A storm with winds of 90 km/h is expected on Thursday night."},
    {"id": 3, "date": "2026-11-02T10:00:00", "text": ""},
]


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_DATABASE__URL", f"sqlite:///{tmp_path}/digest.db")
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "local")
    monkeypatch.setenv("DIGEST_LLM__PROVIDER", "offline")
    monkeypatch.setenv("DIGEST_REDIS__URL", "redis://127.0.0.1:1/0")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A public bot with two posts."""
    (tmp_path / "bots.toml").write_text(BOTS)
    (tmp_path / "posts.json").write_text(json.dumps(POSTS))
    assert main(["import", str(tmp_path / "posts.json"), "--source", "wire", "--title", "The Wire"]) == 0
    assert main(["bots", "apply", str(tmp_path / "bots.toml")]) == 0
    return tmp_path


def test_import_says_what_it_did(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["import", str(desk / "posts.json"), "--source", "another"]) == 0
    assert "another: 3 read, 2 new, 0 updated, 0 unchanged, 1 without text, 0 skipped" in capsys.readouterr().out
    assert main(["import", str(desk / "posts.json"), "--source", "wire"]) == 0
    assert "0 new, 0 updated, 2 unchanged" in capsys.readouterr().out
    assert main(["sources", "list"]) == 0
    assert "wire: The Wire, 2 posts, last post 2026-11-02 09:00 UTC" in capsys.readouterr().out


@pytest.mark.parametrize(("form", "expected"), [("text", "The Wire"), ("html", "<html"), ("json", '"sections"')])
def test_a_digest_is_printed_in_three_forms(
    desk: Path, capsys: pytest.CaptureFixture[str], form: str, expected: str
) -> None:
    capsys.readouterr()
    assert main(["digest", "city", "--period", "2026-11-02", "--wait", "--format", form]) == 0
    printed = capsys.readouterr().out
    assert expected in printed
    assert "line 5" in printed
    if form == "json":
        assert sum(len(section["items"]) for section in json.loads(printed)["sections"]) == 2


def test_nothing_to_give_says_why_and_is_no_failure(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["digest", "city", "--period", "2025-01-01", "--wait"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "nothing to give: 0 posts in the period" in printed.err


def test_a_digest_without_deliver_keeps_its_posts_free(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--no-deliver"], [], []):
        capsys.readouterr()
        assert main(["digest", "city", "--period", "2026-11-02", "--wait", *arguments]) == 0
    printed = capsys.readouterr()
    assert "2 posts in the period, 0 not given before" in printed.err


def test_status_for_people_and_for_scripts(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digest", "city", "--period", "2026-11-02", "--wait"]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert "run 1 of city: done" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["recent"][0]["posts"] == {"summarized": 2}
    assert status["posts"] == 2


def test_exported_bots_can_be_applied(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bots", "export", str(desk / "copy.toml")]) == 0
    capsys.readouterr()
    assert main(["bots", "apply", str(desk / "copy.toml")]) == 0
    assert capsys.readouterr().out == "city: updated.\n"


def test_exporting_bots_over_a_file_is_refused_unless_it_is_to_be_replaced(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk / "copy.toml"
    path.write_text("# mine\n")
    capsys.readouterr()
    assert main(["bots", "export", str(path)]) == 1
    assert capsys.readouterr().err == f"{path} exists already: name another file, or add --replace to write over it.\n"
    assert path.read_text() == "# mine\n"
    assert main(["bots", "export", str(path), "--replace"]) == 0
    assert "[[public_bots]]" in path.read_text()


def test_applying_a_schedule_says_when_the_next_digest_is_due(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, scheduled = desk / "bots.toml", BOTS.replace('"UTC"', '"Europe/Berlin"\nschedule = "30 9 1 1 *"')
    path.write_text(scheduled)
    capsys.readouterr()
    assert main(["bots", "apply", str(path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"city: the next digest is due on \w{3}, 1 Jan 20\d\d, 09:30 \(Europe/Berlin\)\.", printed)
    path.write_text(scheduled.replace("[[public_bots.cat", "paused = true\n[[public_bots.cat", 1))
    assert main(["bots", "apply", str(path)]) == 0
    assert capsys.readouterr().out == "city: updated.\n"


def test_readers_are_counted_invited_and_exported(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["subscribers", "city", "--invite", "tram poster"]) == 0
    link = capsys.readouterr().out
    assert re.fullmatch(r"tram poster /start [A-Za-z0-9_-]{12}\n", link), "Telegram has not told the bot's name yet"
    assert main(["subscribers", "city", "--invite", "tram poster"]) == 0
    assert capsys.readouterr().out == link
    assert main(["subscribers", "CITY"]) == 0
    assert capsys.readouterr().out == (
        "city: 0 read it now\n"
        "last 7 days: 0 new, 0 gone\n"
        "last 30 days: 0 new, 0 gone\n"
        "day by day: ▁▁▁▁▁▁▁▁▁▁▁▁▁▁ from 0 to 0\n"
        f"{link.strip()}: 0 came, 0 read it now\n"
    )
    assert main(["subscribers", "city", "--export", str(desk / "readers.csv")]) == 0
    assert "city: 0 readers, those who have gone included, are in" in capsys.readouterr().out
    assert (desk / "readers.csv").read_bytes().startswith(b"\xef\xbb\xbfchat_id,kind,title,")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["digest", "nope", "--wait"], 1, "There is no bot named nope. These exist: city."),
        (["digest", "city", "--period", "soon", "--wait"], 1, "“soon” is no period."),
        (["digest", "city", "--limit", "0", "--wait"], 1, "no number of posts"),
        (["bots", "apply", "missing.toml"], 1, "missing.toml cannot be used"),
        (["import", "missing.json", "--source", "x"], 1, "missing.json cannot be imported"),
        (["worker", "--queues", "nonsense"], 2, "queues are categorize, summarize, deliver, housekeeping"),
        (["subscribers", "nowhere"], 1, "There is no bot named nowhere. These exist: city."),
        (["subscribers", "city", "--invite", " "], 1, "Name an origin in 1 to 64 characters"),
        (["dance"], 2, "invalid choice"),
    ],
)
def test_errors_are_one_sentence_on_stderr(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    capsys.readouterr()
    try:
        ended = main(arguments)
    except SystemExit as error:  # how argparse ends
        ended = int(error.code or 0)
    printed = capsys.readouterr()
    assert ended == code
    assert sentence in printed.err
    assert printed.out == ""
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DIGEST_TELEGRAM__COLOUR", "red", "Unknown setting telegram.colour"),
        ("DIGEST_DIGEST__BATCH_SIZE", "many", "The setting digest.batch_size"),
        ("DIGEST_DATABASE__URL", "mysql://root:secret@localhost/x", "database.url names mysql"),
    ],
)
def test_bad_settings_end_with_2_and_name_the_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["status"]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "secret" not in printed
    assert printed.count("\n") == 1


def test_a_broker_that_is_away_is_one_sentence(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "celery")
    assert main(["digest", "city", "--period", "2026-11-02"]) == 1
    assert "Redis cannot be reached" in capsys.readouterr().err
    assert main(["digest", "city", "--period", "2026-11-02", "--wait"]) == 0, "the waiting process does it itself"


def test_without_workers_nobody_is_asked_what_they_are_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--tasks"]) == 0
    assert "The work is done inside the bot, without workers" in capsys.readouterr().out
    assert main(["status", "--tasks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"workers": [], "silent": []}
