"""What the tests of the openai provider ask, and of whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.adapters.openai_model import OpenAIModel
from pipeline.ports import Brief, PostText
from storage.records import Category
from tests.servers.model_answers import Question
from tests.servers.model_faults import Override

KEY = "sk-test-1234567890abcdef"
BRIEF = Brief("en", "Python matters most.", (Category("Technology", ("computers",)), Category("Money", ("banks",))))
TEXTS = (
    "Technology: Python 3.15 is out. It is faster.",
    "Money: the rate is 21 %. Banks agree.",
    "A third post. More.",
)


def posts(*texts: str) -> list[PostText]:
    moment = datetime(2024, 12, 1, tzinfo=UTC)
    return [PostText(f"p{number}", text, "channel", moment) for number, text in enumerate(texts or TEXTS, 1)]


def make_model(base_url: str, *, api_key: str = KEY, timeout_s: float = 20.0) -> OpenAIModel:
    return OpenAIModel(api_key=api_key, base_url=base_url, model="test-model", timeout_s=timeout_s)


def always(override: Override) -> Callable[[Question], Override]:
    """A server that misbehaves in the same way at every call."""
    return lambda question: override
