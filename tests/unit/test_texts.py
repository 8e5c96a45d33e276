"""What people read exists in both languages, says the same things, and is found wherever the code asks for it."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from settings import HOME
from texts import LANGUAGES, Texts

CODE = ("telegram_bot", "pipeline", "storage", "texts", "settings.py")
SAYING = {"get", "plural", "say", "ForPeople", "Failure", "fine", "skipped", "warning", "fault"}
MESSAGE_ID = re.compile(r"[a-z_]+(\.[a-z_]+)+|stranger")

# Said by more than one way in: raised or stored by the pipeline, or given to `render_digest` by whoever sends a digest.
SAID_BY_OTHERS = {
    "digest.offline_note",
    "error.unexpected",
    "run.nothing_to_cancel",
    "sources.unknown",
}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def forms(message: Message) -> tuple[str, ...]:
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return tuple(str(one) for one in strings)


@lru_cache
def catalogue(language: str) -> dict[str, Message]:
    path = HOME / "texts" / "locales" / language / "LC_MESSAGES" / "digest.po"
    with path.open("rb") as file:
        read: Catalog = read_po(file, locale=language, abort_invalid=True)
    return {message.id if isinstance(message.id, str) else message.id[0]: message for message in read if message.id}


@dataclass(frozen=True)
class Use:
    """A call in the code that names a message; `params` is None where it passes them as a bag."""

    message_id: str
    params: frozenset[str] | None
    is_plural: bool
    place: str


def python_files() -> Iterator[Path]:
    for name in CODE:
        path = HOME / name
        yield from path.rglob("*.py") if path.is_dir() else [path]


@lru_cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in python_files()}


def uses() -> Iterator[Use]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called not in SAYING or not isinstance(first, ast.Constant):
                continue
            if not isinstance(first.value, str) or not MESSAGE_ID.fullmatch(first.value):
                continue
            keywords = [keyword.arg for keyword in node.keywords]
            bag = called in {"say", "Failure"} or None in keywords
            params = None if bag else frozenset(keyword for keyword in keywords if keyword)
            yield Use(first.value, params, called == "plural", f"{path.relative_to(HOME)}:{node.lineno}")


def test_both_languages_have_the_same_messages() -> None:
    assert catalogue("ru").keys() == catalogue("en").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_fuzzy_or_short_of_a_plural(language: str) -> None:
    for message_id, message in catalogue(language).items():
        assert not message.fuzzy, message_id
        assert all(form.strip() for form in forms(message)), message_id
        assert len(forms(message)) == ({"en": 2, "ru": 3}[language] if message.pluralizable else 1), message_id


def test_both_languages_fill_in_the_same_things() -> None:
    for message_id, english in catalogue("en").items():
        expected = placeholders(forms(english)[0])
        for form in (*forms(english), *forms(catalogue("ru")[message_id])):
            assert placeholders(form) == expected, message_id


def test_every_message_the_code_asks_for_exists_and_gets_what_it_needs() -> None:
    found = list(uses())
    assert len(found) > 80
    for use in found:
        message = catalogue("en").get(use.message_id)
        assert message is not None, f"{use.place}: no message {use.message_id}"
        assert use.is_plural == bool(message.pluralizable), f"{use.place}: {use.message_id}"
        needed = placeholders(forms(message)[0]) - ({"n"} if use.is_plural else set())
        assert use.params is None or needed <= use.params, f"{use.place}: {use.message_id} misses {needed - use.params}"


def test_every_message_is_said_somewhere() -> None:
    literals = {
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert catalogue("en").keys() - literals - SAID_BY_OTHERS == set()


@pytest.mark.parametrize(
    ("n", "english", "russian"),
    [
        (0, "0 posts", "0 постов"),
        (1, "1 post", "1 пост"),
        (2, "2 posts", "2 поста"),
        (5, "5 posts", "5 постов"),
        (11, "11 posts", "11 постов"),
        (12, "12 posts", "12 постов"),
        (21, "21 posts", "21 пост"),
        (104, "104 posts", "104 поста"),
        (1111, "1,111 posts", "1\u00a0111 постов"),
    ],
)
def test_plurals(n: int, english: str, russian: str) -> None:
    assert Texts("en").plural("count.posts", n) == english
    assert Texts("ru").plural("count.posts", n) == russian


@pytest.mark.parametrize(
    ("language", "default", "spoken"),
    [("ru", "en", "ru"), ("ru-RU", "en", "ru"), ("EN_us", "ru", "en"), ("de", "en", "en"), ("uk", "ru", "ru"),
     (None, "ru", "ru"), ("", "en", "en")],
)  # fmt: skip
def test_a_language_we_do_not_speak_becomes_the_default(language: str | None, default: str, spoken: str) -> None:
    assert Texts(language, default).language == spoken


def test_what_is_filled_in_is_never_filled_in_itself() -> None:
    hostile = "{reason} {0} {reason.__class__} %s"
    assert hostile in Texts("en").get("model.unavailable", reason=hostile)


def test_asking_for_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        Texts("en").get("no.such")
    with pytest.raises(KeyError, match="reason"):
        Texts("en").get("model.unavailable")


def test_a_stored_message_of_another_version_is_still_shown() -> None:
    assert Texts("ru").say("gone.long_ago", {"post": 7}) == "gone.long_ago (post: 7)"
    assert Texts("ru").say("run.unknown", {"run": 7}) == "Запуска 7 нет. Запуски показывает /status."


DAY = datetime(2024, 12, 2, 21, tzinfo=UTC)  # midnight in Moscow


@pytest.mark.parametrize(
    ("start", "end", "timezone", "english", "russian"),
    [
        (DAY, DAY + timedelta(days=1), "Europe/Moscow", "3 Dec 2024", "3 дек. 2024\u202fг."),
        (DAY, DAY + timedelta(days=3), "Europe/Moscow", "3–5 Dec 2024", "3–5 дек. 2024\u202fг."),
        (DAY, DAY + timedelta(hours=12), "Europe/Moscow", "3 Dec, 00:00 – 3 Dec 2024, 12:00",
         "3 дек., 00:00 — 3 дек. 2024, 12:00"),
        (DAY, DAY + timedelta(days=1), "UTC", "2 Dec, 21:00 – 3 Dec 2024, 21:00 UTC",
         "2 дек., 21:00 — 3 дек. 2024, 21:00 UTC"),
        (DAY, DAY + timedelta(days=30, hours=5), "Europe/Moscow", "3 Dec 2024, 00:00 – 2 Jan 2025, 05:00",
         "3 дек. 2024, 00:00 — 2 янв. 2025, 05:00"),
    ],
)  # fmt: skip
def test_periods_are_shown_in_the_bots_time_zone(
    start: datetime, end: datetime, timezone: str, english: str, russian: str
) -> None:
    assert Texts("en").period(start, end, timezone) == english
    assert Texts("ru").period(start, end, timezone) == russian


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0 s", "0 с"),
        (0.6, "1 s", "1 с"),
        (80, "1 min 20 s", "1 мин 20 с"),
        (120, "2 min", "2 мин"),
        (3600 + 61, "1 h 1 min", "1 ч 1 мин"),
        (3600 + 5, "1 h", "1 ч"),
        (2 * 86400 + 3 * 3600, "2 d 3 h", "2 дн 3 ч"),
        (-5, "0 s", "0 с"),
    ],
)
def test_durations(seconds: float, english: str, russian: str) -> None:
    assert Texts("en").duration(seconds) == english
    assert Texts("ru").duration(seconds) == russian


@pytest.mark.parametrize(
    ("passed", "english", "russian"),
    [
        (timedelta(seconds=-3), "just now", "только что"),
        (timedelta(seconds=59), "just now", "только что"),
        (timedelta(hours=3), "3 hours ago", "3 часа назад"),
        (timedelta(days=5), "5 days ago", "5 дней назад"),
    ],
)
def test_how_long_ago(passed: timedelta, english: str, russian: str) -> None:
    assert Texts("en").ago(DAY - passed, DAY) == english
    assert Texts("ru").ago(DAY - passed, DAY) == russian


def test_money_is_written_as_the_reader_writes_it() -> None:
    assert [Texts("en").money(amount) for amount in (0.0123, 1234.5)] == ["0.0123", "1,234.50"]
    assert Texts("ru").money(0.0123) == "0,0123"
