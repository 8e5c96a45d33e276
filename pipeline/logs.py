"""Logging: one format for all processes, what each line is about, and no secret in any line."""

from __future__ import annotations

import copy
import json
import logging
import multiprocessing
import re
import socket
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pipeline.log_marks import found_by, new_error_id, subject
from settings import HIDDEN, Settings, without_passwords

BOT_TOKEN = re.compile(r"\d{5,}(?::|%3A)[A-Za-z0-9_-]{30,}", re.IGNORECASE)
JSON_OF_SERVICE = "lines of a service in JSON"
SHORTEST_SECRET = 6  # what is shorter would hide innocent words

log = logging.getLogger(__name__)


def configure_logging(settings: Settings, *, quiet: bool = False) -> None:
    """Log to stderr as the settings say; `quiet` shows warnings and worse only."""
    handler = logging.StreamHandler(sys.stderr)
    formatter: logging.Formatter = JsonFormatter() if settings.logging.format == "json" else TextFormatter()
    if settings.logging.format == "json" and not quiet:
        handler.set_name(JSON_OF_SERVICE)
    handler.setFormatter(RedactingFormatter(formatter, _secrets(settings)))
    logging.basicConfig(level=logging.WARNING if quiet else settings.logging.level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in (
        "aiosqlite",
        "celery.worker.strategy",
        "celery.app.trace",
        "httpx2",
        "httpcore2",
        "openai",
        "asyncio",
        "alembic",
        "kombu",
        "amqp",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def name_process(name: str) -> str:
    """From now on the lines of this process, where they are JSON, carry this name and the host's: name@host."""
    multiprocessing.current_process().name = full_name = f"{name}@{socket.gethostname()}"
    return full_name


def say(sentence: str) -> None:
    """The last words of a process: a sentence on stderr, and a line of the log where a service writes JSON."""
    if any(handler.name == JSON_OF_SERVICE for handler in logging.getLogger().handlers):
        log.critical("%s", sentence)
    else:
        sys.stderr.write(f"{sentence}\n")


def log_unhandled_errors() -> None:
    """From now on an error that ends the program or a thread is a line of the log, with nothing secret in it."""

    def of_program(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            log.critical("An error ended this program", exc_info=error, extra=found_by(new_error_id()))
        else:
            sys.__excepthook__(kind, error, traceback)

    def of_thread(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
            log.critical("An error ended a thread", exc_info=ended.exc_value, extra=found_by(new_error_id()))

    sys.excepthook = of_program
    threading.excepthook = of_thread


class TextFormatter(logging.Formatter):
    """For people: when, how bad, who, [what it is about], [the id of an error], what."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        marked = copy.copy(record)
        marked.message = _in_brackets(record) + record.message
        return super().formatMessage(marked)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and process.

    Where there are any: the run, public bot and work that it is about, the id of an error that people are told, and the
    traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.processName,
        }
        marks = {**asdict(subject()), "error_id": getattr(record, "error_id", None)}
        line |= {name: mark for name, mark in marks.items() if mark is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RedactingFormatter(logging.Formatter):
    """Hides the secrets of the settings in all their forms, whatever looks like a bot token, and passwords in URLs."""

    def __init__(self, inner: logging.Formatter, secrets: frozenset[str]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = sorted({form for secret in secrets for form in _written_forms(secret)}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return without_passwords(BOT_TOKEN.sub(HIDDEN, line))


def _in_brackets(record: logging.LogRecord) -> str:
    about = subject()
    words = [f"run {about.run}" if about.run is not None else "", about.bot or ""]
    words.append(f"work {about.work}" if about.work is not None else "")
    error_id = getattr(record, "error_id", None)
    brackets = [" ".join(word for word in words if word), f"error {error_id}" if error_id else ""]
    return "".join(f"[{bracket}] " for bracket in brackets if bracket)


def _secrets(settings: Settings) -> frozenset[str]:
    found = (
        settings.telegram.admin_token,
        settings.llm.api_key,
        settings.llm.fallback.api_key if settings.llm.fallback else None,
        settings.security.secret_key,
    )
    passwords = (_password(settings.redis.url), _password(settings.database.url))
    values = {*passwords, *(secret.get_secret_value() for secret in found if secret is not None)}
    return frozenset(value for value in values if len(value) >= SHORTEST_SECRET)


def _password(url: str) -> str:
    """The password in a URL as the other side gets it, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return unquote(parts.password or "") or parse_qs(parts.query).get("password", [""])[0]


def _written_forms(secret: str) -> set[str]:
    """A secret as it is, as it is quoted in a URL, and as repr and JSON write the quotes and backslashes in it."""
    plain = {secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
    return plain | {json.dumps(form, ensure_ascii=is_ascii)[1:-1] for form in plain for is_ascii in (True, False)}
