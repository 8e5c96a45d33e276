"""What the openai package raises, and what servers say in errors, in the families of `pipeline.errors`.

Only statuses, error codes and class names get into a reason: a server's message may repeat a key or a post.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import BatchRefused, ForPeople, Retryable

if TYPE_CHECKING:
    import openai

Failure = Retryable | BatchRefused | ForPeople

MAX_RETRY_AFTER_S = 24 * 3600.0
_RETRYABLE = frozenset({408, 409, 429})
_NOT_THERE = frozenset({404, 405, 410})
_MONEY_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_CODE = re.compile(r"[a-z_]{1,40}")
_BAD_KEY = re.compile(
    r"api[ _]key (?:not valid|is invalid)|(?:invalid|incorrect) api[ _]key|invalid_api_key", re.IGNORECASE
)
_BAD_MODEL = re.compile(r"model_not_found|not a valid model|model .{0,80}(?:does not exist|not found)", re.IGNORECASE)
_TOO_LARGE = re.compile(r"request too large|max_tokens_per_", re.IGNORECASE)


def translated(error: openai.OpenAIError, model: str) -> Failure:
    """The error of our own that says what to do about an SDK error."""
    import openai

    if isinstance(error, openai.APIStatusError):
        after_s = retry_after_s(error.response.headers, time.time())
        return failure_of(error.status_code, error.body, model, after_s)
    if isinstance(error, openai.APITimeoutError):
        return Retryable("no answer in time")
    cause = type(error.__cause__ or error).__name__
    if cause == "UnsupportedProtocol":
        return ForPeople("model.bad_address", model=model)
    return Retryable(f"no connection ({cause})")


def failure_of(status: int, body: object, model: str, after_s: float | None = None) -> Failure:
    """What an HTTP error status means.

    Args:
        body: the error object of the answer, or its text.
        after_s: how long the server asked us to wait.
    """
    said = complaint(body)
    code = _code(body)
    if status == 402 or code in _MONEY_CODES:
        return ForPeople("model.quota", status=status, model=model)
    if status == 401 or (status == 400 and _BAD_KEY.search(said)):
        return ForPeople("model.key_refused", status=status, model=model)
    if status == 403:
        # OpenRouter answers 403 to an input that its moderation does not like.
        if _metadata(body).keys() & {"flagged_input", "reasons"}:
            return BatchRefused("content filter")
        return ForPeople("model.key_refused", status=status, model=model)
    if status < 400 or status in _NOT_THERE or (status == 400 and _BAD_MODEL.search(said)):
        return ForPeople("model.unknown_model", status=status, model=model)
    if status == 429 and _TOO_LARGE.search(said):
        return BatchRefused("the batch is larger than the server's limit")
    if status in _RETRYABLE or status >= 500:
        return Retryable(f"HTTP {status}", after_s)
    return BatchRefused(f"HTTP {status}, {code}" if code else f"HTTP {status}")


def complaint(body: object) -> str:
    """The parameter, the code and the beginning of the message of an error object; long quotations are cut off."""
    if not isinstance(body, Mapping):
        return str(body or "")[:300]
    return " ".join(str(body.get(name) or "")[:300] for name in ("param", "code", "message", "detail"))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by Retry-After (seconds or an HTTP date) or retry-after-ms, at most a day; None where not said.

    Args:
        now: Unix time.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    try:
        return _bounded(parsedate_to_datetime(value or "").timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _code(body: object) -> str:
    """The server's word for the error, where it is a plain word."""
    if not isinstance(body, Mapping):
        return ""
    words = (str(body.get(name) or "").lower() for name in ("code", "type"))
    return next((word for word in words if _CODE.fullmatch(word)), "")


def _metadata(body: object) -> Mapping[str, Any]:
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    return metadata if isinstance(metadata, Mapping) else {}
