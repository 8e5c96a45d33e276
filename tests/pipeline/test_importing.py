"""Importing files: everything is accounted for, nothing is stored twice, a broken file stores nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.services import importing
from pipeline.services.importing import ImportReport, import_file
from pipeline.sources import BrokenFile, Reason
from storage import posts, sources
from storage.database import Database
from storage.models import PostRow
from storage.records import Post

NOW = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD_SECONDS = 1767323045


def message(number: int, text: str = "Текст", edited: int | None = None, **fields: object) -> dict[str, Any]:
    edit = {} if edited is None else {"edit_date": PERIOD_SECONDS + edited}
    return {"id": number, "date": PERIOD_SECONDS, "text": text, **edit, **fields}


async def run_import(database: Database, path: Path, **options: Any) -> ImportReport:
    report = await import_file(path, "news", database=database, now=lambda: NOW, **options)
    whole = report.new + report.updated + report.unchanged + report.without_text + sum(report.skipped.values())
    assert report.read == whole
    return report


async def import_messages(database: Database, folder: Path, *messages: object, **options: Any) -> ImportReport:
    path = folder / "dump.json"
    path.write_text(json.dumps(messages), encoding="utf-8")
    return await run_import(database, path, **options)


async def stored(database: Database) -> dict[str, Post]:
    async with database.read() as session:
        ids = list(await session.scalars(select(PostRow.id)))
        return {post.external_id: post for post in (await posts.by_ids(session, ids)).values()}


async def test_everything_read_is_accounted_for(database: Database, tmp_path: Path) -> None:
    report = await import_messages(
        database, tmp_path, message(1), message(2), message(3, text=""), {"id": 4}, message(5, type="service"), None
    )
    assert report == ImportReport(
        read=6,
        new=2,
        updated=0,
        unchanged=0,
        without_text=1,
        skipped={Reason.NOT_A_MESSAGE: 1, Reason.SERVICE: 1, Reason.WITHOUT_DATE: 1},
        left_out_chats=0,
    )


async def test_importing_again_or_in_overlapping_pieces_adds_nothing_twice(database: Database, tmp_path: Path) -> None:
    await import_messages(database, tmp_path, message(1), message(2))
    again = await import_messages(database, tmp_path, message(1), message(2))
    assert (again.new, again.updated, again.unchanged) == (0, 0, 2)
    overlapping = await import_messages(database, tmp_path, message(2), message(3))
    assert (overlapping.new, overlapping.unchanged) == (1, 1)
    assert sorted(await stored(database)) == ["1", "2", "3"]


async def test_an_edit_is_taken_and_an_older_state_does_not_come_back(database: Database, tmp_path: Path) -> None:
    await import_messages(database, tmp_path, message(1, "Было"))
    newer = await import_messages(database, tmp_path, message(1, "Стало", edited=60))
    assert newer.updated == 1
    older = await import_messages(database, tmp_path, message(1, "Было"))
    assert (older.updated, older.unchanged) == (0, 1)
    assert (await stored(database))["1"].text == "Стало"


async def test_a_message_that_stands_in_a_file_several_times_is_stored_once(database: Database, tmp_path: Path) -> None:
    states = [message(1, "Раз"), message(2), message(1, "Два", edited=1), message(1, "Три", edited=2), message(2)]
    report = await import_messages(database, tmp_path, *states)
    assert (report.new, report.updated, report.unchanged) == (2, 2, 1)
    assert {key: post.text for key, post in (await stored(database)).items()} == {"1": "Три", "2": "Текст"}


async def test_a_file_of_several_chunks_is_stored_whole(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 4)
    report = await import_messages(database, tmp_path, *[message(number % 10) for number in range(23)])
    assert (report.new, report.unchanged) == (10, 13)


@pytest.mark.parametrize("cut", [10, 5000, -1])
async def test_of_a_broken_file_nothing_is_stored(database: Database, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "dump.json"
    path.write_text(json.dumps([message(number) for number in range(3000)])[:cut], encoding="utf-8")
    with pytest.raises(BrokenFile):
        await run_import(database, path)
    assert await stored(database) == {}
    async with database.read() as session:
        assert await sources.by_name(session, "news") is None


async def test_channels_of_one_file_do_not_collide(database: Database, tmp_path: Path) -> None:
    both = (message(7, channel="A"), message(7, "Другой", channel="B"))
    assert (await import_messages(database, tmp_path, *both)).new == 2
    turned = await import_messages(database, tmp_path, *reversed(both))
    assert (turned.new, turned.updated, turned.unchanged) == (0, 0, 2)
    assert {key: post.source_title for key, post in (await stored(database)).items()} == {"7": "A", "B/7": "B"}


async def test_an_export_and_a_dump_of_one_channel_are_the_same_posts(database: Database, tmp_path: Path) -> None:
    await import_messages(database, tmp_path, message(7, sender_id=-1001234567890, channel="Имя"))
    path = tmp_path / "result.json"
    exported = {"id": 7, "type": "message", "date_unixtime": str(PERIOD_SECONDS), "text": "Текст"}
    head = {"name": "Имя", "type": "public_channel", "id": 1234567890}
    path.write_text(json.dumps({**head, "messages": [exported]}), encoding="utf-8")
    report = await run_import(database, path)
    assert (report.new, report.unchanged) == (0, 1)


async def test_a_known_username_gives_links_that_anybody_can_open(database: Database, tmp_path: Path) -> None:
    own = message(7, sender_id=-1001234567890)
    other = message(7, sender_id=-1009999999999)
    await import_messages(database, tmp_path, own, other, username="@news_channel")
    await import_messages(database, tmp_path, {**own, "id": 8})
    assert {key: post.url for key, post in (await stored(database)).items()} == {
        "7": "https://t.me/news_channel/7",
        "8": "https://t.me/news_channel/8",
        "9999999999/7": "https://t.me/c/9999999999/7",
    }


async def test_the_chats_that_were_left_out_are_counted_apart(database: Database, tmp_path: Path) -> None:
    exported = {"id": 7, "type": "message", "date_unixtime": str(PERIOD_SECONDS), "text": "Текст"}
    chats = [
        {"name": "Друг", "type": "personal_chat", "id": 1, "messages": [exported] * 3},
        {"name": "Канал", "type": "private_channel", "id": 2, "messages": [exported]},
        {"type": "saved_messages", "id": 3, "messages": [exported]},
    ]
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"about": "", "chats": {"list": chats}}), encoding="utf-8")
    report = await run_import(database, path)
    assert (report.read, report.new, report.left_out_chats, report.skipped) == (1, 1, 2, {})


async def test_the_progress_is_told_and_ends_with_everything(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PROGRESS_EVERY", 2)
    told: list[int] = []
    await import_messages(database, tmp_path, *[message(number) for number in range(5)], progress=told.append)
    assert told == [2, 4, 5]


async def test_real_exports_in_increments(database: Database, corpus: Path) -> None:
    folder = corpus / "telegram_desktop"
    first = await run_import(database, folder / "guzelskie_perezalivy_ru" / "result.json")
    assert (first.read, first.new, first.without_text) == (500, 138, 362)
    increments = sorted((folder / "guzelskie_perezalivy_ru_increments").iterdir())
    reports = [await run_import(database, increment) for increment in increments]
    assert [report.read for report in reports] == [5, 4, 3, 3, 6]
    assert [report.new for report in reports] == [0, 0, 0, 0, 1]
    again = await run_import(database, folder / "guzelskie_perezalivy_ru" / "result.json")
    assert (again.new, again.unchanged) == (0, 138)


async def test_the_real_news_channels_into_one_source(database: Database, corpus: Path) -> None:
    files = sorted((corpus / "channel_dumps" / "nktkln").glob("*_messages.json"))
    for _ in range(2):
        reports = [await run_import(database, file) for file in files]
        assert [report.read for report in reports] == [500, 500, 500, 500, 500, 494, 500, 500]
    assert [(report.new, report.updated) for report in reports] == [(0, 0)] * 8
    async with database.read() as session:
        assert (await sources.count(session))[1] == 3994
