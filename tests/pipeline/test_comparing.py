"""The old program's digest beside ours of the same posts: what both chose, and why the rest differs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.errors import ForPeople
from pipeline.services.adopting import adopt_flags
from pipeline.services.comparing import compare_with_old
from pipeline.services.starting import Order, start_run
from pipeline.sources.reading import BrokenFile
from pipeline.stages.comparing import Comparison
from pipeline.toolbox import Toolbox
from storage.database import Database
from storage.records import IncomingPost, RunState
from tests.support import NOON, do_all_work, make_posts, make_spec, make_tools, open_desk

PERIOD = "2026-11-02..2026-11-03"


async def our_digest(database: Database, *, longest: int = 2) -> tuple[Toolbox, int]:
    """A run over six posts, of which two have the same text; `longest` of them are chosen at most."""
    tools = make_tools(database)
    posts = make_posts(5)
    twin = replace(posts[0], external_id="6", published_at=posts[0].published_at, url="https://example.org/6")
    await open_desk(database, [*posts, twin], make_spec(max_posts_per_digest=longest))
    started = await start_run(tools, Order("city", PERIOD, deliver=False))
    progress = await do_all_work(tools, started.run.id)
    assert progress.run.state is RunState.DONE
    return tools, started.run.id


async def compared(tools: Toolbox, folder: Path, old: object, target: str = "city") -> Comparison:
    path = folder / "old.json"
    path.write_text(old if isinstance(old, str) else json.dumps(old), encoding="utf-8")
    return await compare_with_old(tools, path, target, PERIOD if target == "city" else None)


async def chosen_urls(tools: Toolbox, run_id: int, folder: Path) -> list[str]:
    everything = await compared(tools, folder, ["https://nowhere.example/1"], str(run_id))
    return [line.name for line in everything.only_new]


async def test_common_posts_and_categories_are_counted(database: Database, tmp_path: Path) -> None:
    tools, run_id = await our_digest(database)
    first, second = await chosen_urls(tools, run_id, tmp_path)
    found = await compared(tools, tmp_path, {"Transport": [{"url": first}], "Parks": [{"url": second}]})
    assert (found.run_id, found.old_size, found.new_size, len(found.both)) == (run_id, 2, 2, 2)
    assert (found.overlap, found.same_category, found.other_category) == (1.0, 1, 1)


async def test_what_only_the_old_one_chose_has_our_reason(database: Database, tmp_path: Path) -> None:
    tools, run_id = await our_digest(database)
    chosen = await chosen_urls(tools, run_id, tmp_path)
    every = [f"https://example.org/{number}" for number in range(1, 7)]
    found = await compared(tools, tmp_path, [*every, "https://nowhere.example/1"])
    reasons = {line.name: line.why for line in found.only_old}
    assert reasons["https://nowhere.example/1"] == "not_stored"
    assert set(reasons.values()) <= {"not_stored", "passed_over", "duplicate"}
    assert len(found.both) == len(chosen)
    assert sum(found.reasons.values()) == len(found.only_old)


async def test_a_twin_of_a_chosen_post_is_the_same_choice(database: Database, tmp_path: Path) -> None:
    tools, run_id = await our_digest(database, longest=10)
    twins = {"https://example.org/1", "https://example.org/6"}
    (kept,) = twins & set(await chosen_urls(tools, run_id, tmp_path))
    (other,) = twins - {kept}
    found = await compared(tools, tmp_path, [other, kept])
    assert ([line.name for line in found.both], found.only_old) == ([kept], [])


async def test_a_post_outside_our_period_is_told_from_one_that_we_lack(database: Database, tmp_path: Path) -> None:
    tools, _ = await our_digest(database)
    late = IncomingPost("77", NOON.replace(day=9), "A post of another week.", "https://example.org/77")
    await open_desk(database, [late], make_spec(max_posts_per_digest=2))
    found = await compared(tools, tmp_path, ["https://example.org/77"])
    assert [line.why for line in found.only_old] == ["not_in_period"]


@pytest.mark.parametrize(
    "old",
    [
        "Transport:\n- tram https://example.org/1\n\nParks\n─────\n- park https://example.org/2\n",
        "# Transport\n[a](https://example.org/1)\n# Parks\n[b](https://example.org/2)\n",
        '<b>Transport</b>\n<a href="https://example.org/1">a</a>\n<b>Parks</b>\n<a href="https://example.org/2">b</a>',
        [{"url": "https://example.org/1", "category": "Transport"}, {"id": 2, "category": "Parks"}],
        {"sections": [{"category": "Transport", "items": [{"url": "https://example.org/1"}]},
                      {"category": "Parks", "items": [{"url": "https://example.org/2"}]}]},
        {"digest": {"Transport": ["https://example.org/1"], "Parks": ["https://example.org/2"]}},
    ],
)  # fmt: skip
async def test_an_old_digest_may_be_text_or_data(database: Database, tmp_path: Path, old: object) -> None:
    tools, run_id = await our_digest(database)
    found = await compared(tools, tmp_path, old, str(run_id))
    lines = [*found.both, *found.only_old]
    assert {(line.their_category, line.why) for line in lines if line.why != "passed_over"} <= {
        ("Transport", None),
        ("Parks", None),
    }
    assert {line.their_category for line in lines} == {"Transport", "Parks"}
    assert found.old_size == 2


async def test_the_posts_that_were_adopted_as_given_are_no_digest_of_ours(database: Database, tmp_path: Path) -> None:
    tools = make_tools(database)
    await open_desk(database, make_posts(3))
    (tmp_path / "flags.json").write_text("[1]")
    await adopt_flags(tools, tmp_path / "flags.json")
    with pytest.raises(ForPeople) as caught:
        await compared(tools, tmp_path, ["https://example.org/1"])
    assert caught.value.message_id == "compare.no_digest"


async def test_a_text_without_posts_is_refused(database: Database, tmp_path: Path) -> None:
    tools, run_id = await our_digest(database)
    with pytest.raises(BrokenFile, match="no links and no ids"):
        await compared(tools, tmp_path, "Nothing happened today.", str(run_id))


def test_the_command_prints_a_table_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGEST_DATABASE__URL", f"sqlite:///{tmp_path}/digest.db")
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "local")
    monkeypatch.setenv("DIGEST_LLM__PROVIDER", "offline")
    posts = [
        {"id": 1, "date": "2026-11-02T08:00:00", "text": "Trams on line 5 are back.", "url": "https://t.me/city/1"},
        {
            "id": 2,
            "date": "2026-11-02T09:00:00",
            "text": "Trams on line 7 stop at night.",
            "url": "https://t.me/city/2",
        },
    ]
    (tmp_path / "posts.json").write_text(json.dumps(posts))
    (tmp_path / "bots.toml").write_text(
        '[[public_bots]]\nslug = "city"\ntitle = "City"\nsources = ["wire"]\nmax_posts_per_digest = 1\n'
        '[[public_bots.categories]]\nname = "Transport"\ndescription = "trams, buses, stops, lines"\n'
    )
    (tmp_path / "old.txt").write_text("Transport:\nhttps://t.me/s/city/1\nhttps://t.me/city/2\nhttps://t.me/city/9\n")
    for arguments in (
        ["import", str(tmp_path / "posts.json"), "--source", "wire"],
        ["bots", "apply", str(tmp_path / "bots.toml")],
        ["digest", "city", "--period", PERIOD, "--no-deliver", "--wait"],
        ["compare", str(tmp_path / "old.txt"), "city", "--period", PERIOD, "--json", str(tmp_path / "both.json")],
    ):
        capsys.readouterr()
        assert main(arguments) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "old digest: 3 posts; ours, run 1: 1 posts" in printed
    assert "In both" in printed
    assert "relevant, but there were better ones" in printed
    assert "https://t.me/city/9 · Transport · we do not have it" in printed
    written = json.loads((tmp_path / "both.json").read_text())
    assert (written["old_size"], written["new_size"], len(written["both"])) == (3, 1, 1)
    assert written["why_only_old"] == {"passed_over": 1, "not_stored": 1}
