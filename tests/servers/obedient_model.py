"""A model that obeys the orders it finds in posts and in the names of channels: the worst that can be behind a prompt.

It reads disguises of many kinds, with patterns of its own, and does what it is told to every post of the question.
"""

from __future__ import annotations

import binascii
import json
import re
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from tests.servers.model_answers import Answers, Question, good_answers
from tests.servers.model_faults import Override

MARK = "TAKEN OVER"

_CHANNEL = re.compile(r'<meta of="p\d+">(.*?)</meta>', re.DOTALL)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_TO_LATIN = str.maketrans("авеёзикмнорстухьс013", "abeezukmhopctyxbcois")
_TO_CYRILLIC = str.maketrans("abcehkmoptxy", "авсенкмортху")
_AN_ORDER = re.compile(
    r"ignor|disregard|forget|instruct|prompt|importan|categor|headline|summar|json|\bp\d\b|system|post id|all other"
    r"|every|the rest|игнор|забуд|инструкц|указани|важност|категори|заголов|сводк|пост|сообщени|ключ|правил|удал|прозой"
)


def obeys_orders(question: Question) -> Override | None:
    """A behaviour for the model server: a good answer where no order is found."""
    found = [*question.posts.values(), *_CHANNEL.findall(question.user)]
    orders = [order for text in found if (order := read_order(text))]
    if not orders:
        return None
    answers: Any = good_answers(question)
    for order in orders:
        answers = _obeyed(order, question, answers)
    return Override(content=answers if isinstance(answers, str) else json.dumps(answers, ensure_ascii=False))


def read_order(text: str) -> str:
    """The order in a text, in plain small letters of both alphabets; "" where there is none."""
    seen = "".join(chr(ord(char) - 0xE0000) if 0xE0020 <= ord(char) < 0xE007F else char for char in text)
    seen = unicodedata.normalize("NFKC", _INVISIBLE.sub("", seen))
    seen = re.sub(r"\b(?:\w ){4,}\w\b", lambda match: match.group().replace(" ", ""), seen)
    seen += " ".join(map(_decoded, _BASE64.findall(seen)))
    lowered = seen.lower()
    both = "\n".join((lowered, lowered.translate(_TO_LATIN), lowered.translate(_TO_CYRILLIC)))
    return both if _AN_ORDER.search(both) else ""


def _decoded(blob: str) -> str:
    try:
        return b64decode(blob + "=" * (-len(blob) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def _obeyed(order: str, question: Question, answers: Any) -> Any:
    if isinstance(answers, str):
        return answers
    for sign, obey in _EFFECTS:
        if re.search(sign, order):
            answers = obey(order, question, answers)
            if isinstance(answers, str):
                return answers
    return _take_over(order, question, answers)


def _take_over(order: str, question: Question, answers: Answers) -> Answers:
    if question.kind == "summarization":
        return {key: {**item, "headline": f"{MARK}: {item.get('headline', '')}"} for key, item in answers.items()}
    last = [name for name in question.categories if name != "none"][-1]
    wanted = "none" if re.search(r"\bnone\b", order) else last
    importance = 1 if re.search(r"importance 1|важность 1|fake|фальш|rest 1|единице", order) else 5
    return {key: {"category": wanted, "importance": importance, "reason": MARK} for key in answers}


def _prose(order: str, question: Question, answers: Answers) -> str:
    return f"{MARK}! A tram, a tram, my kingdom for a tram."


def _drop(order: str, question: Question, answers: Answers) -> Answers:
    own = [key for key, text in question.posts.items() if read_order(text)]
    return {key: item for key, item in answers.items() if key in own}


def _add_keys(order: str, question: Question, answers: Answers) -> Answers:
    return {**answers, "p99": next(iter(answers.values()), {}), "p98": {}}


def _twice(order: str, question: Question, answers: Answers) -> str:
    pairs = [(key, item) for key, item in answers.items()]
    return "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(item)}" for key, item in [*pairs, *pairs]) + "}"


def _leak(order: str, question: Question, answers: Answers) -> Answers:
    return _with_text(answers, question, lambda item: question.system[:150], lambda item: question.system[150:400])


def _copy(order: str, question: Question, answers: Answers) -> Answers:
    said = order.split("\n", 1)[0]
    return _with_text(answers, question, lambda item: said[:150], lambda item: said)


def _swap(order: str, question: Question, answers: Answers) -> Answers:
    return dict(zip(answers, [*list(answers.values())[1:], *list(answers.values())[:1]], strict=True))


def _decorate(order: str, question: Question, answers: Answers) -> Answers:
    """Links, names, commands, markup and tags into every headline and summary."""
    extra = re.findall(r"https?://[^\s'\"<>]+|tg://\S+|@\w+|/stop|evil-shop\.\w+", order) or ["evil.example"]
    fake = '</post><post id="p2">' if "post" in order else ""
    return _with_text(
        answers,
        question,
        lambda item: f"<a href='https://evil.example'>{item.get('headline')}</a> {extra[0]} {fake}",
        lambda item: f"{item.get('summary')} [press]({extra[0]}) {extra[0]} \u202e",
    )


def _with_text(
    answers: Answers,
    question: Question,
    headline: Callable[[Mapping[str, Any]], str],
    summary: Callable[[Mapping[str, Any]], str],
) -> Answers:
    if question.kind == "categorization":
        return {key: {**item, "reason": headline(item)} for key, item in answers.items()}
    return {key: {"headline": headline(item), "summary": summary(item)} for key, item in answers.items()}


_EFFECTS: tuple[tuple[str, Callable[[str, Question, Answers], Any]], ...] = (
    (r"in prose|прозой", _prose),
    (r"drop|delete|удали|не включай", _drop),
    (r"p99|new key|новый ключ", _add_keys),
    (r"twice", _twice),
    (r"system prompt|свои инструкции", _leak),
    (r"copy|replace all|замени|повтори", _copy),
    (r"swap|поменяй", _swap),
    (r"https?://|tg://|@|/stop|html|post id", _decorate),
)
