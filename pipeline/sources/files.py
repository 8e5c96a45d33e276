"""The way into a file of posts: recognized, then read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.sources.message_dump import read_dump
from pipeline.sources.reading import BrokenFile, Reading
from pipeline.sources.recognition import HTML, ChannelExport, MessageList, recognize
from pipeline.sources.telegram_export import read_account, read_channel


def open_posts(path: Path) -> Iterator[Reading]:
    """Everything in a file or in a folder of Telegram Desktop, in its order, with memory that does not grow with it.

    Raises:
        BrokenFile: at once where the format is unknown, while reading where the file turns out to be broken.
    """
    path = _file_of(path)
    form = recognize(path)
    if isinstance(form, ChannelExport):
        return read_channel(path, form.channel)
    if isinstance(form, MessageList):
        return read_dump(path, form.prefix)
    return read_account(path)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    result = path / "result.json"
    if result.is_file():
        return result
    if (path / "messages.html").is_file():
        raise BrokenFile(path.name, HTML)
    raise BrokenFile(path.name, "is a folder without a result.json in it")
