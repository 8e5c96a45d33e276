"""Logging: one format for all processes, and no secret in any line."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from pydantic import SecretStr

from settings import Settings

BOT_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{30,}")
PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):([^/\s]+)@")
HIDDEN = "•••"


def configure_logging(settings: Settings, *, quiet: bool = False) -> None:
    """Log to stderr as the settings say; `quiet` shows warnings and worse only."""
    handler = logging.StreamHandler(sys.stderr)
    formatter: logging.Formatter = JsonFormatter() if settings.logging.format == "json" else TextFormatter()
    handler.setFormatter(RedactingFormatter(formatter, _secrets(settings)))
    logging.basicConfig(level=logging.WARNING if quiet else settings.logging.level, handlers=[handler], force=True)
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


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and, where there is one, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RedactingFormatter(logging.Formatter):
    """Hides the secrets of the settings, everything that looks like a bot token, and passwords in URLs."""

    def __init__(self, inner: logging.Formatter, secrets: frozenset[str]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = sorted({form for secret in secrets for form in _written_forms(secret)}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", BOT_TOKEN.sub(HIDDEN, line))


def _secrets(settings: Settings) -> frozenset[str]:
    found = (
        settings.telegram.admin_token,
        settings.llm.api_key,
        settings.llm.fallback.api_key if settings.llm.fallback else None,
        settings.security.secret_key,
    )
    return frozenset(_value(secret) for secret in found if secret is not None and len(_value(secret)) >= 6)


def _written_forms(secret: str) -> set[str]:
    """A secret as it is, and as repr and JSON write the quotes and backslashes in it."""
    plain = {secret, repr(secret)[1:-1]}
    return plain | {json.dumps(form, ensure_ascii=False)[1:-1] for form in plain}


def _value(secret: SecretStr) -> str:
    return secret.get_secret_value()
