"""Files reach the chat as they were uploaded."""

from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import BufferedInputFile

from tests.servers.telegram_limits import Limits
from tests.servers.telegram_people import Person
from tests.servers.telegram_server import TelegramServer

from .conftest import ADMIN

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLE = BufferedInputFile("\ufeffid,имя\r\n7,Анна\r\n".encode(), "readers.csv")


async def test_a_document_arrives_whole_with_its_name_and_caption(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    sent = await admin.send_document(7, TABLE, caption="<b>Readers</b>", parse_mode="HTML")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("readers.csv", len(TABLE.data))
    assert sent.caption == "Readers"
    [seen] = telegram.messages(7)
    assert seen.document is not None
    assert (seen.document.name, seen.document.content) == ("readers.csv", TABLE.data)
    assert telegram.calls_of("sendDocument")[0].sent is seen


async def test_a_document_without_content_or_without_an_upload_is_refused(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    with pytest.raises(TelegramBadRequest, match="file must be non-empty"):
        await admin.send_document(7, BufferedInputFile(b"", "empty.csv"))
    with pytest.raises(TelegramBadRequest, match="there is no document in the request"):
        await admin.send_document(7, "some-file-id")
    assert telegram.messages(7) == []


async def test_documents_go_only_where_messages_may_and_count_as_such(
    telegram: TelegramServer, admin: Bot, anna: Person
) -> None:
    telegram.limits = Limits(chat_interval_s=1.0)
    await admin.send_message(7, "One moment.")
    with pytest.raises(TelegramRetryAfter):
        await admin.send_document(7, TABLE)
    await anna.block(ADMIN)
    telegram.limits = Limits()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await admin.send_document(7, TABLE)
