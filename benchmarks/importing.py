"""How fast posts come in and how much memory it takes: python -m benchmarks.importing [--megabytes N]

Writes exports of N megabytes (100 by default) into a temporary folder, reads each of them, and imports the first into
an empty SQLite database.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pipeline.services.importing import import_file
from pipeline.sources.files import open_posts
from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate

SENTENCE = "Город открыл новую линию трамвая, первые поезда прошли по ней утром. "
ENTITIES = [
    {"type": "bold", "text": "Главное. "},
    SENTENCE * 3,
    {"type": "custom_emoji", "text": "📹", "document_id": "stickers/sticker (7).webp"},
    {"type": "text_link", "text": "Подробно", "href": "https://news.example/tram"},
]
START = 1_700_000_000


def export_message(number: int) -> dict[str, object]:
    """Every second one without text, as in a channel with albums."""
    return {
        "id": number,
        "type": "message",
        "date": "2023-11-14T22:13:20",
        "date_unixtime": str(START + number),
        "edited_unixtime": str(START + number + 60),
        "from": "Канал",
        "from_id": "channel1234567890",
        "photo": "(File not included. Change data exporting settings to download.)",
        "width": 1280,
        "height": 720,
        "text": ENTITIES if number % 2 else "",
        "text_entities": [{"type": "plain", "text": part} if isinstance(part, str) else part for part in ENTITIES],
        "reactions": [{"type": "emoji", "count": 5, "emoji": "👍"}],
    }


def dump_message(number: int) -> dict[str, object]:
    return {
        "message_id": number,
        "sender_id": -1001234567890,
        "text": f"**Главное.** {SENTENCE * 3}\n\n[Подробно](https://news.example/tram) __{number}__",
        "date": "2023-11-14T22:13:20+00:00",
        "channel": "Канал",
    }


def write(file: TextIO, head: str, message: Callable[[int], dict[str, object]], tail: str, megabytes: int) -> None:
    file.write(head)
    number = 0
    while file.buffer.tell() < megabytes * 1_000_000:
        number += 1
        file.write((",\n" if number > 1 else "") + json.dumps(message(number), ensure_ascii=False, indent=1))
    file.write(tail)


def exports(folder: Path, megabytes: int) -> Iterator[Path]:
    channel = '{"name": "Канал", "type": "public_channel", "id": 1234567890, "messages": [\n'
    kinds = {
        "channel": (channel, export_message, "]}"),
        "account": ('{"about": "", "chats": {"about": "", "list": [' + channel, export_message, "]}]}}"),
        "dump": ("[\n", dump_message, "]"),
    }
    for name, (head, message, tail) in kinds.items():
        path = folder / f"{name}.json"
        with path.open("w", encoding="utf-8") as file:
            write(file, head, message, tail, megabytes)
        yield path


def report(what: str, messages: int, seconds: float) -> None:
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(
        f"{what:<16} {messages:>9,} messages {seconds:7.1f} s {messages / seconds:>9,.0f} a second, peak {peak:.0f} MiB"
    )


async def import_into_empty_database(path: Path, folder: Path) -> None:
    url = database_url(f"sqlite:///{folder}/digest.db", HOME)
    await migrate(url)
    database = Database(url)
    for what in ("import", "import again"):
        begun = time.perf_counter()
        result = await import_file(path, "news", database=database, now=lambda: datetime.now(UTC))
        report(what, result.read, time.perf_counter() - begun)
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in exports(folder, megabytes):
            begun = time.perf_counter()
            messages = sum(1 for _ in open_posts(path))
            report(f"read {path.stem}", messages, time.perf_counter() - begun)
            if path.stem != "channel":
                path.unlink()
        asyncio.run(import_into_empty_database(folder / "channel.json", folder))


if __name__ == "__main__":
    main()
