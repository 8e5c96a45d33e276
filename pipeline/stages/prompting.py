"""What a model is asked: the messages and the schema of the answer, for categorization and for summaries.

The system message is the same for every batch of a public bot, so that servers can cache it; the posts are in the user
message. Post text is data: it is delimited, cannot close its delimiter, and the instructions say not to obey it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Any

from pipeline.ports import Brief, PostText
from pipeline.stages.delimiters import without_delimiters
from pipeline.stages.instructions import CATEGORIZE, SUMMARIZE
from pipeline.stages.orders import speaks_to_models
from pipeline.stages.plain_text import one_line, printable
from pipeline.stages.tokens import MAX_POST_TOKENS, clip_to_tokens, estimate_tokens
from storage.records import Category

NO_CATEGORY = "none"
MAX_CHANNEL_CHARS = 80
_POST_FRAME_TOKENS = 50  # the tags, the channel and the time around a post
_MESSAGE_FRAME_TOKENS = 8  # what a server's chat template puts around two messages

_LANGUAGES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "kk": "Kazakh",
    "pt": "Portuguese", "ru": "Russian", "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model; `schema` is the JSON schema of the whole answer, `name` what the schema is called."""

    name: str
    system: str
    user: str
    keys: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        """Both messages, estimated; the schema, which only some servers put into the prompt, is not counted."""
        return _tokens_of_system(self.system) + estimate_tokens(self.user) + _MESSAGE_FRAME_TOKENS


PROBE = Prompt(name="probe", system="You are asked whether you work.", user="Answer: yes", keys=(), schema={})


def categorization_prompt(brief: Brief, posts: Sequence[PostText]) -> Prompt:
    """Ask for a category out of the brief's (or "none"), an importance of 1 to 5 and a reason for every post."""
    names = [category.name for category in brief.categories]
    item = {
        "category": {"type": "string", "enum": list(dict.fromkeys([*names, NO_CATEGORY]))},
        "importance": {"type": "integer"},
        "reason": {"type": "string"},
    }
    return _prompt("categorization", _system_of_categorization(brief), posts, item)


def summarization_prompt(brief: Brief, posts: Sequence[PostText]) -> Prompt:
    """Ask for a headline and a summary, in the brief's language, for every post."""
    item = {"headline": {"type": "string"}, "summary": {"type": "string"}}
    return _prompt("summarization", _system_of_summarization(brief), posts, item)


@lru_cache(maxsize=64)
def prompt_frame_tokens(brief: Brief) -> int:
    """What a prompt for this brief costs without its posts, estimated."""
    prompt = categorization_prompt(brief, ()) if brief.categories else summarization_prompt(brief, ())
    return prompt.tokens


@lru_cache(maxsize=1024)
def post_tokens(text: str) -> int:
    """What a post of this text adds to a prompt, estimated; never more than a clipped post does."""
    return min(estimate_tokens(text), MAX_POST_TOKENS) + _POST_FRAME_TOKENS


# The system message is the same for all batches of a public bot.


@lru_cache(maxsize=64)
def _system_of_categorization(brief: Brief) -> str:
    return _system(
        CATEGORIZE.format(language=_language(brief.language)),
        "Categories:\n" + "\n".join(_category_line(category) for category in brief.categories),
        _wishes(brief.prompt),
    )


@lru_cache(maxsize=64)
def _system_of_summarization(brief: Brief) -> str:
    return _system(SUMMARIZE.format(language=_language(brief.language)), _wishes(brief.prompt))


def _system(*parts: str) -> str:
    return printable("\n\n".join(part for part in parts if part))


@lru_cache(maxsize=128)
def _tokens_of_system(system: str) -> int:
    return estimate_tokens(system)


def _prompt(name: str, system: str, posts: Sequence[PostText], item: Mapping[str, Any]) -> Prompt:
    keys = tuple(post.key for post in posts)
    question = "Answer with one JSON object whose keys are exactly: " + ", ".join(keys) + "."
    return Prompt(
        name=name,
        system=system,
        user="\n\n".join([*(_framed(post) for post in posts), question]),
        keys=keys,
        schema=_closed_object({key: _closed_object(item) for key in keys}),
    )


def _closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    # Strict servers want every property required and nothing else allowed; limits are checked by us (stages.answers).
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _framed(post: PostText) -> str:
    whole = without_delimiters(printable(post.text)).strip()
    text = clip_to_tokens(whole, MAX_POST_TOKENS)
    about = [
        _channel(post.channel),
        f"{post.published_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    ]
    if len(text) < len(whole):
        about.append("a long post: only its beginning is shown")
    return f'<meta of="{post.key}">{", ".join(about)}</meta>\n<post id="{post.key}">{text}</post>'


@lru_cache(maxsize=1024)
def _channel(title: str) -> str:
    shown = without_delimiters(one_line(title))[:MAX_CHANNEL_CHARS]
    return "a channel" if speaks_to_models(title) else shown


def _category_line(category: Category) -> str:
    line = f"- {_quoted(category.name)}: {'; '.join(category.descriptions)}"
    if category.examples:
        line += ". Examples: " + ", ".join(_quoted(example) for example in category.examples)
    return line


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _wishes(prompt: str) -> str:
    wishes = prompt.strip()
    return f"What the editor of this digest wants:\n{wishes}" if wishes else ""


def _language(code: str) -> str:
    return _LANGUAGES.get(code, f'the language with the ISO 639-1 code "{code}"')
