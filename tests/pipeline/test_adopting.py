"""Taking over from the old program, beside it, and back: what a person at a terminal is promised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.cli import _parser, main
from pipeline.services.adopting import adopt_flags, as_flags, given_by_us
from pipeline.services.starting import Order, start_run
from settings import HOME, environment_value
from storage.database import Database
from storage.records import RunState
from tests.support import NOON, do_all_work, make_posts, make_tools, open_bot, open_desk

DAY = "2026-11-02T08:00:00+00:00"
PERIOD = "2026-11-02..2026-11-03"
CACHE = {
    "posts_cache": {
        "@cityline": [
            {"id": 1, "text": "Trams on line 5 are back.", "date": DAY, "views": 12, "sent": True},
            {"id": 2, "text": "Buses on line 7 get new stops.", "date": DAY, "sent": False},
            {"id": 3, "date": DAY, "text": ""},
        ],
        "habr": [{"id": 1, "text": "Python 3.15 is out.", "date": DAY, "url": "https://habr.example/1"}],
    }
}
BOTS = """
CITY = dict(name="city", title="The city", token="700:AAF-token-of-the-old-bot-0123456789",
            prompt="For people who live here.", channels=["@cityline"], categories={"Transport": "trams, buses"})
TECH = dict(name="tech", title="Tech", prompt="Software.", channels=["habr"], categories={"Software": "programs"})
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must work; what it printed."""
    monkeypatch.setenv("DIGEST_DATABASE__URL", f"sqlite:///{tmp_path}/digest.db")
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "local")
    monkeypatch.setenv("DIGEST_LLM__PROVIDER", "offline")
    monkeypatch.setenv("DIGEST_SECURITY__SECRET_KEY", "a key of a test")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache.json").write_text(json.dumps(CACHE))
    (tmp_path / "bots.py").write_text(BOTS)

    def run(*arguments: str) -> str:
        code = main(list(arguments))
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return run


def adopt(run: Run, what: str, path: str, *more: str) -> str:
    return run("adopt", what, path, "--report", f"{what}-report.json", *more)


def adopt_bots_and_posts(run: Run) -> None:
    adopt(run, "bots", "bots.py")
    run("bots", "apply", "bots.toml")
    adopt(run, "posts", "cache.json")


def test_each_channel_becomes_a_source_and_nothing_is_stored_twice(run: Run) -> None:
    first, second = adopt(run, "posts", "cache.json"), adopt(run, "posts", "cache.json")
    assert "cityline: 2 posts taken over, 0 were there already." in first
    assert "habr: 1 posts taken over, 0 were there already." in first
    assert "cityline: 0 posts taken over, 2 were there already." in second
    assert "cityline: cityline, 2 posts" in run("sources", "list")


def test_what_is_not_taken_over_is_in_the_report(run: Run, tmp_path: Path) -> None:
    printed = adopt(run, "posts", "cache.json")
    report = json.loads((tmp_path / "posts-report.json").read_text())
    assert "not taken over, posts_cache.@cityline[2]" in printed
    assert [one["where"] for one in report["not_taken_over"]] == ["posts_cache.@cityline[2]"]
    assert report["fields_without_a_place"] == {"views": 1}


def test_a_dry_run_stores_nothing(run: Run, tmp_path: Path) -> None:
    assert "cityline: 2 posts would be taken over." in adopt(run, "posts", "cache.json", "--dry-run")
    assert "There are no sources yet" in run("sources", "list")
    adopt(run, "bots", "bots.py", "--dry-run")
    assert not (tmp_path / "bots.toml").exists()


def test_all_channels_may_go_into_one_source_without_colliding(run: Run) -> None:
    assert "old: 3 posts taken over" in adopt(run, "posts", "cache.json", "--source", "old")


def test_tokens_are_printed_on_request_alone_and_written_nowhere(run: Run, tmp_path: Path) -> None:
    token = "700:AAF-token-of-the-old-bot-0123456789"
    printed = adopt(run, "bots", "bots.py")
    assert "Put the tokens into .env as CITY_TOKEN" in printed
    assert token not in printed
    assert f"CITY_TOKEN={token}\n" in adopt(run, "bots", "bots.py", "--dry-run", "--print-tokens")
    written = [path for path in tmp_path.iterdir() if path.name != "bots.py" and path.is_file()]
    assert written
    assert all(token.encode() not in path.read_bytes() for path in written)


def test_a_bots_file_that_is_there_is_not_overwritten(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bots.toml").write_text("# corrected by hand\n")
    assert main(["adopt", "bots", "bots.py", "--report", "r.json"]) == 1
    assert "bots.toml is there already and stays as it is" in capsys.readouterr().err
    assert (tmp_path / "bots.toml").read_text() == "# corrected by hand\n"


def test_bots_are_applied_as_they_were_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    adopt(run, "bots", "bots.py")
    monkeypatch.setenv("CITY_TOKEN", "700:AAF-token-of-the-old-bot-0123456789")
    assert environment_value("CITY_TOKEN")
    applied = run("bots", "apply", "bots.toml")
    assert "city: created." in applied
    assert "tech: created." in applied


def test_what_the_old_program_gave_is_not_given_again(run: Run) -> None:
    adopt_bots_and_posts(run)
    assert "city: 1 given posts taken over" in adopt(run, "flags", "cache.json", "--bot", "city")
    assert "city: 0 given posts taken over, 1 were there already" in adopt(run, "flags", "cache.json", "--bot", "city")
    digest = json.loads(run("digest", "city", "--period", "2026-11-02..2026-11-02", "--wait", "--format", "json"))
    status = json.loads(run("status", "--json"))["recent"][0]["posts"]
    assert status["given_before"] == 1
    texts = [item["text"] for section in digest["sections"] for item in section["items"]]
    assert all("line 5" not in text for text in texts)


def test_a_dry_run_marks_nothing_as_given(run: Run) -> None:
    adopt_bots_and_posts(run)
    assert "city: 1 given posts would be taken over." in adopt(run, "flags", "cache.json", "--dry-run")
    assert "city: 1 given posts taken over, 0 were there" in adopt(run, "flags", "cache.json")


def test_flags_that_fit_no_post_or_several_are_said(run: Run, tmp_path: Path) -> None:
    adopt_bots_and_posts(run)
    (tmp_path / "flags.json").write_text(json.dumps({"999": True, "1": True, "cityline:2": {"nobody": True}}))
    printed = adopt(run, "flags", "flags.json")
    assert "not taken over, 999: 999: no such post is stored" in printed
    assert "not taken over, 1: 1: several posts have this id" in printed
    assert "there is no public bot nobody" in printed
    assert "There are no given posts to take over." in printed


def test_a_flag_without_a_bot_counts_for_all_of_them(run: Run, tmp_path: Path) -> None:
    adopt_bots_and_posts(run)
    (tmp_path / "flags.json").write_text(json.dumps(["https://habr.example/1"]))
    printed = adopt(run, "flags", "flags.json")
    assert "city: 1 given posts taken over" in printed
    assert "tech: 1 given posts taken over" in printed


async def test_going_back_writes_what_readers_were_given_here_as_flags(database: Database, tmp_path: Path) -> None:
    tools = make_tools(database)
    await open_bot(database, make_posts(3), readers=[11, 12])
    (tmp_path / "flags.json").write_text("[1]")
    await adopt_flags(tools, tmp_path / "flags.json")
    started = await start_run(tools, Order("city", PERIOD))
    assert (await do_all_work(tools, started.run.id)).run.state is RunState.DONE
    given = await given_by_us(tools)
    assert [(one.bot_slug, one.post.external_id) for one in given] == [("city", "2"), ("city", "3")]
    assert await given_by_us(tools, since=NOON + timedelta(days=1)) == []
    (tmp_path / "back.json").write_text(as_flags(given))
    again = await adopt_flags(tools, tmp_path / "back.json")
    assert (again.taken, again.already, again.left) == ({"city": 0}, {"city": 2}, [])


async def test_what_only_operators_saw_is_not_given_back(database: Database) -> None:
    tools = make_tools(database)
    await open_desk(database, make_posts(3))
    started = await start_run(tools, Order("city", PERIOD))
    await do_all_work(tools, started.run.id)
    assert await given_by_us(tools) == []


def test_going_back_has_a_command(run: Run, tmp_path: Path) -> None:
    adopt_bots_and_posts(run)
    adopt(run, "flags", "cache.json", "--bot", "city")
    assert "0 posts that readers were given stand in back.json." in run("adopt", "export-flags", "back.json")
    assert json.loads((tmp_path / "back.json").read_text()) == {}
    assert json.loads(run("adopt", "export-flags", "--bot", "city", "--since", "2026-11-24")) == {}


def test_a_channel_that_is_named_like_a_bot_tells_its_posts_from_others(run: Run, tmp_path: Path) -> None:
    adopt_bots_and_posts(run)
    posts = [{"id": 1, "text": "A channel has the name of a bot.", "date": DAY, "channel": "tech"}]
    (tmp_path / "more.json").write_text(json.dumps(posts))
    adopt(run, "posts", "more.json")
    (tmp_path / "flags.json").write_text(json.dumps({"tech": [1]}))
    assert "tech: 1 given posts taken over" in adopt(run, "flags", "flags.json")


@pytest.mark.parametrize("what", ["posts", "flags", "bots"])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    adopt_bots_and_posts(run)
    (tmp_path / "broken.json").write_text('[{"id": 1},\n{"id": ')
    assert main(["adopt", what, "broken.json", "--report", "r.json"]) == 1
    error = capsys.readouterr().err
    assert "broken.json" in error
    assert "line 2" in error


def test_every_command_of_the_guide_is_understood() -> None:
    guide = (HOME / "docs" / "migration.md").read_text()
    commands = re.findall(r"^python -m pipeline (.+)$", guide, re.MULTILINE)
    assert len(commands) >= 10
    for command in commands:
        _parser().parse_args(command.split())


def test_what_was_adopted_is_no_run_that_anybody_is_shown(run: Run) -> None:
    adopt_bots_and_posts(run)
    adopt(run, "flags", "cache.json", "--bot", "city")
    assert json.loads(run("status", "--json"))["recent"] == []
