"""Summaries made of a post's own sentences: what of a post is not news at all, its headline, and what else to say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.stages.faithfulness import count_facts
from pipeline.stages.plain_text import printable
from pipeline.stages.sentences import clip, split_sentences, undecorated
from storage.records import Summary

HEADLINE_CHARS = 140
TEXT_CHARS = 360
SENTENCES_LOOKED_AT = 10

_FOOTER_CHARS = 90
_LEADS = 3
_LEAD_BONUS = (0.30, 0.10, 0.0)
_WEAK_LEAD_MALUS = 0.4
_NEXT_BONUS = 0.15
_DANGLING_MALUS = 0.2
_FACT_BONUS = 0.04
_SAME_WORDS = 0.6
_MIN_LEAD_WORDS = 3

_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))+\)")
_MARKS = re.compile(r"\*\*+|__+|~~+|\|\|+|`+")
_ADDRESSES = re.compile(r"(?:https?://|www\.)\S+|\b(?:t\.me|bit\.ly)/\S+|(?<![\w@])@\w{4,}")
_HASHTAGS = re.compile(r"(?<!\w)#\w+")
_LAST_HANDLE = re.compile(r"[\s(|—–-]*(?<![\w@])@\w{4,}\)?\s*$")
_LAST_ADDRESS = re.compile(r"[\s(:—–-]*(?:https?://|www\.)\S+\s*$")

_CALL_AT_START = re.compile(
    r"(?:подпи(?:сывай|шись|шитесь|саться)|подписка на|присоединяй|переходи(?:те)? (?:по|в|на)|ставьте? лайк"
    r"|жми(?:те)? "
    r"|читай(?:те)? (?:нас|также|далее|больше|ещ[её]|подробн|полн|на |в |о том)|читать (?:далее|полностью|нас"
    r"|подробн|статью|ещ[её])"
    r"|подробн(?:ее|ости)\s*(?:[—–:…-]|$|по ссылке|на |в |читай)|смотри(?:те)? (?:также|видео|полн|на |по )"
    r"|больше новостей"
    r"|ранее (?:сообщал|писал|стало известно|мы |сми |издание )|напомним\b|как (?:мы )?(?:ранее )?сообщал"
    r"|как сообщалось"
    r"|источник\s*[:—]|фото\s*[:—/]|видео\s*[:—/]|автор\s*[:—]|ссылка\b|прислать (?:новость|фото|видео)|обсудить"
    r"|поделиться"
    r"|наш (?:канал|чат|бот|сайт)|поддержать (?:нас|канал)|реклама\b|по вопросам (?:рекламы|сотрудничества)|erid\b"
    r"|subscribe\b|follow (?:us|me|our)\b|join (?:us|our|the) |read (?:more|also|the full|full)\b|continue reading"
    r"|click here"
    r"|sign up (?:for|to) (?:our|the) newsletter|share this|photo\s*[:/]|image\s*[:/]|source\s*:|via\s*[:@]"
    r"|learn more\b"
    r"|see also\b|watch (?:the )?(?:full )?video|earlier(?: it was|,? we) reported|advertisement\b|sponsored\b"
    r"|more details\b)",
    re.IGNORECASE,
)
_CALL_ANYWHERE = re.compile(
    r"подпи(?:саться|сывайтесь|сывайся|шись|шитесь)|\bнаш(?:ем|его)? (?:телеграм|telegram|канал|чат)|без vpn|читайте на"
    r"|на нашем сайте|прислать новость|\bsubscribe (?:to|now|here)|our (?:telegram )?channel|\bmax\b.*\bvk\b|\berid\b",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"\s*(?:\*+\s*.*(?:призна|внес[её]н|запрещ|иноагент|экстремист)|(?:настоящ\w+|данн\w+) (?:материал"
    r"|сообщени)\w*.*иностранн)",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:он|она|они|оно|его|её|ее|их|это|эти|этот|эта|там|при этом|также|кроме того|однако|но|а|и|поэтому|тогда|ему"
    r"|ей|им"
    r"|he|she|they|it|his|her|their|this|that|these|those|but|and|however|also|there|so|then)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def plain(text: str) -> str:
    """The text without Markdown marks, link targets and invisible characters, line by line."""
    return _MARKS.sub("", _MARKDOWN_LINK.sub(r"\1", printable(text)))


def is_boilerplate(line: str) -> bool:
    """Whether a line or a sentence is the channel talking about itself: calls, footers, tags, credits, recaps."""
    bare = undecorated(_HASHTAGS.sub("", _ADDRESSES.sub("", line)))
    if not any(char.isalnum() for char in bare):
        return True
    is_short = len(line) <= _FOOTER_CHARS
    has_call = _CALL_AT_START.match(bare) is not None or _LEGAL.match(line) is not None
    return has_call or (is_short and _CALL_ANYWHERE.search(bare) is not None)


def usable_sentences(text: str) -> list[str]:
    """The sentences of a post that say something, in order, each on one line; empty where there are none."""
    lines = [line for line in plain(text).splitlines() if not is_boilerplate(line)]
    sentences = (_tidied(sentence) for sentence in split_sentences("\n".join(lines)))
    return [sentence for sentence in sentences if sentence and not is_boilerplate(sentence)]


def lead_summary(text: str) -> Summary:
    """What the post says first, in its own words. The headline is empty only where the text is."""
    sentences = usable_sentences(text)
    if not sentences:
        rest = " ".join((plain(text).strip() or text).split())
        return Summary(headline=clip(rest, HEADLINE_CHARS), text="")
    return extract(sentences, [0.0] * len(sentences))


def extract(sentences: Sequence[str], centrality: Sequence[float]) -> Summary:
    """The best of the first sentences as the headline and up to two more as the text, in the post's order.

    Args:
        sentences: at least one, as `usable_sentences` gives them.
        centrality: for each, how much it says of the whole post, about 0 to 1.
    """
    lead = max(range(min(_LEADS, len(sentences))), key=lambda index: _lead_score(sentences, centrality, index))
    headline, rest = _cut(sentences[lead])
    chosen = _supporting(sentences, centrality, lead, TEXT_CHARS - len(rest))
    parts = [rest] if rest else []
    parts += [sentences[index] for index in chosen]
    return Summary(headline=headline, text=clip(" ".join(parts), TEXT_CHARS))


def _tidied(sentence: str) -> str:
    """Without the channel's own name, an address or a tag at its end."""
    sentence = _LAST_ADDRESS.sub("", _LAST_HANDLE.sub("", sentence))
    return undecorated(_HASHTAGS.sub(lambda tag: tag.group()[1:].replace("_", " "), sentence))


def _lead_score(sentences: Sequence[str], centrality: Sequence[float], index: int) -> float:
    sentence = sentences[index]
    is_weak = len(_WORD.findall(sentence)) < _MIN_LEAD_WORDS or sentence.endswith((":", "?", "…"))
    return centrality[index] + _LEAD_BONUS[index] - _WEAK_LEAD_MALUS * is_weak


def _supporting(sentences: Sequence[str], centrality: Sequence[float], lead: int, max_chars: int) -> list[int]:
    """Up to two sentences beside the lead that fit and say something else, in order."""
    chosen: list[int] = []
    while len(chosen) < 2:
        candidates = [
            index
            for index in range(min(len(sentences), SENTENCES_LOOKED_AT))
            if index != lead
            and index not in chosen
            and len(sentences[index]) < max_chars - sum(len(sentences[other]) + 1 for other in chosen)
            and len(_WORD.findall(sentences[index])) >= _MIN_LEAD_WORDS
            and not any(_repeats(sentences[index], sentences[other]) for other in (lead, *chosen))
        ]
        if not candidates:
            break
        chosen.append(max(candidates, key=lambda index: _support_score(sentences, centrality, index, [lead, *chosen])))
    return sorted(chosen)


def _support_score(sentences: Sequence[str], centrality: Sequence[float], index: int, taken: list[int]) -> float:
    sentence = sentences[index]
    follows = index - 1 in taken
    is_dangling = not follows and (_DANGLING.match(sentence) is not None or sentence.endswith((":", "?")))
    facts = min(count_facts(sentence), 3)
    return (
        centrality[index] + _NEXT_BONUS * follows - _DANGLING_MALUS * is_dangling + _FACT_BONUS * facts - 0.01 * index
    )


def _repeats(sentence: str, other: str) -> bool:
    words, others = (set(_WORD.findall(text.lower())) for text in (sentence, other))
    return len(words & others) >= _SAME_WORDS * min(len(words), len(others))


def _cut(sentence: str) -> tuple[str, str]:
    """A headline and what is left of its sentence, cut between clauses if possible and never inside a number."""
    if len(sentence) <= HEADLINE_CHARS:
        return sentence.rstrip(".") if not sentence.endswith("..") else sentence, ""
    borders = [match.start() for match in re.finditer(r"(?<=[,;:]) | (?=[—–] )", sentence[:HEADLINE_CHARS])]
    borders = [border for border in borders if border >= HEADLINE_CHARS // 2]
    if not borders:
        borders = [match.start() for match in re.finditer(r"(?<!\d) (?!\d)", sentence[:HEADLINE_CHARS])]
    if not borders or borders[-1] < HEADLINE_CHARS // 3:
        return clip(sentence, HEADLINE_CHARS), ""
    head, rest = sentence[: borders[-1]], sentence[borders[-1] :]
    return head.rstrip(" ,;:") + "…", clip("…" + rest.lstrip(" —–"), TEXT_CHARS)
