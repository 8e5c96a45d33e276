"""Reads the envelope of a chat completion. Servers break it in many ways, so nothing in it is taken for granted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.adapters.openai_errors import failure_of
from pipeline.errors import BatchRefused, PromptCut, Retryable
from pipeline.ports import Usage
from pipeline.stages.tokens import estimate_tokens

LEAST_SHARE_READ = 0.45  # our estimate is at most twice what the newest vocabularies need
SHORT_PROMPT_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote; `is_cut` where it had to stop before its end."""

    content: str
    is_cut: bool
    usage: Usage


def read_reply(body: bytes, prompt_tokens: int, model: str) -> Reply:
    """The model's text out of the body of a 200.

    Args:
        prompt_tokens: our estimate, for servers that do not count.
        model: the model's name, for errors.

    Raises:
        Retryable: no JSON, no choice, or an error inside that may pass.
        PromptCut: the server counted far fewer tokens than there are (https://docs.ollama.com/faq: a context of 4,096
            tokens by default, and what is longer is cut without a word).
        BatchRefused: a refusal, the content filter, or an error inside that will not pass for this batch.
        ForPeople: an error inside that says so.
    """
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise Retryable("the answer is not JSON") from None
    if not isinstance(envelope, dict):
        raise Retryable("the answer is not an object")
    if envelope.get("error"):
        raise _error_inside(envelope["error"], model)
    choices = envelope.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Retryable("the answer has no choices", usage=_usage(envelope.get("usage"), prompt_tokens, ""))
    content = _text(message.get("content"))
    usage = _usage(envelope.get("usage"), prompt_tokens, content)
    if usage.input_tokens < LEAST_SHARE_READ * prompt_tokens and prompt_tokens > SHORT_PROMPT_TOKENS:
        raise PromptCut(usage, prompt_tokens)
    finish_reason = choice.get("finish_reason")
    if finish_reason == "error" or choice.get("error"):
        raise Retryable("an error inside the answer", usage=usage)
    if message.get("refusal"):
        raise BatchRefused("the model refused", usage)
    if finish_reason == "content_filter":
        raise BatchRefused("content filter", usage)
    return Reply(content, is_cut=finish_reason == "length", usage=usage)


def _error_inside(error: Any, model: str) -> Exception:
    code = error.get("code") if isinstance(error, Mapping) else None
    status = int(str(code)) if re.fullmatch(r"[45][0-9]{2}", str(code)) else 500
    return failure_of(status, error, model)


def _text(content: Any) -> str:
    if isinstance(content, list):  # parts, as some reasoning models answer
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any, prompt_tokens: int, content: str) -> Usage:
    counted = usage if isinstance(usage, Mapping) else {}
    details = counted.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    input_tokens = _count(counted.get("prompt_tokens"))
    if input_tokens is not None and cached is not None and cached > input_tokens:
        input_tokens += cached  # servers that count what was cached apart
    output_tokens = _count(counted.get("completion_tokens"))
    return Usage(
        input_tokens=prompt_tokens if input_tokens is None else input_tokens,
        cached_tokens=cached or 0,
        output_tokens=estimate_tokens(content) if output_tokens is None else output_tokens,
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
