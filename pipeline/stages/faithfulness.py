"""Whether a summary states numbers and links that its source does not.

Numbers are compared by value, so "1,5 млн", "1.5 million" and "1 500 000" are the same. Words are not checked: a
source's "пять" supports a summary's "5", and a summary's number words never raise an alarm.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.stages.links import bare, links_in, without_links
from pipeline.stages.number_words import FACTORS, LETTER_FACTORS, MONTHS, VALUES
from pipeline.stages.plain_text import printable

_NUMBER = re.compile(r"\d{1,3}(?:[ \u00a0\u202f\u2009'’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*")
_SCALE = re.compile(r"[\s\u00a0\u202f-]{0,2}([^\W\d_]+)")
_RANGE = re.compile(r"\s*(?:–|—|-|…|\.\.|до|to|и|and|или|or)\s*[$€£₽]?\s*(?=\d)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_GROUPS = re.compile(r"[ \u00a0\u202f\u2009'’]")
_FACTOR_STEMS = tuple(FACTORS)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it stands in a text, with every value that it can mean."""

    written: str
    digits: str
    values: frozenset[Decimal]


def unsupported(summary_text: str, source_text: str) -> list[str]:
    """The numbers and links of a summary that its source does not contain, each once.

    They are given as written, only 2025-03-12 as 12.03.2025. A link counts with or without its scheme and "www."; what
    Telegram makes links of counts too: @names, /commands, bare domains.
    """
    source, summary = printable(source_text), printable(summary_text)
    known_links = {bare(link) for link in links_in(source)}
    known_hosts = {link.split("/", 1)[0] for link in known_links}
    links = [link for link in links_in(summary) if bare(link) not in known_links | known_hosts]
    source, summary = without_links(source), without_links(summary)
    numbers = list(_numbers(source))
    values = {value for number in numbers for value in number.values} | _word_values(source)
    versions = sorted(digits for number in numbers if (digits := _dotted(number.digits)).count(".") > 1)
    months = {MONTHS[word] for word in _words(source) if word in MONTHS}
    strange = [
        number.written
        for number in _numbers(summary)
        if not (
            number.values & values
            or _begins_one_of(versions, _dotted(number.digits))
            or _parts_known(number.digits, values, months)
        )
    ]
    return list(dict.fromkeys(strange + links))


def count_facts(text: str) -> int:
    """How many different numbers a text states; what stands in its links does not count."""
    return len(set(_NUMBER.findall(_with_dates(without_links(text)))))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _numbers(text: str) -> Iterator[_Number]:
    text = _with_dates(text)
    matches = list(_NUMBER.finditer(text))
    scales = [_scale_after(text, match.end()) for match in matches]
    for index, match in enumerate(matches):
        word, factors = scales[index]
        if not word and index + 1 < len(matches) and scales[index + 1][0]:
            joint = _RANGE.match(text, match.end())
            if joint is not None and joint.end() == matches[index + 1].start():
                factors = factors | scales[index + 1][1]
        plain = _readings(match.group())
        values = frozenset(value * factor for value in plain for factor in factors)
        yield _Number(text[match.start() : match.end() + len(word)], match.group(), values)


def _with_dates(text: str) -> str:
    """2025-03-12 as 12.03.2025."""
    return _ISO_DATE.sub(r"\3.\2.\1", text)


def _scale_after(text: str, position: int) -> tuple[str, frozenset[Decimal]]:
    """The scale word after `position` with the space before it ("млн", "k"), and the factors that it can stand for."""
    match = _SCALE.match(text, position)
    if match is None:
        return "", frozenset({Decimal(1)})
    word = match.group(1).lower()
    for stem, factor in FACTORS.items():
        if word.startswith(stem):
            return match.group(), frozenset({factor})
    if word in LETTER_FACTORS and match.start(1) == position:
        return match.group(), frozenset({Decimal(1), LETTER_FACTORS[word]})
    return "", frozenset({Decimal(1)})


def _readings(written: str) -> set[Decimal]:
    """What digits with separators can mean: "1,500" is fifteen hundred or one and a half."""
    digits = _GROUPS.sub("", written)
    parts = re.split(r"[.,]", digits)
    if len(parts) == 1:
        return {Decimal(digits)}
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(parts) == 2:
        decimal = Decimal(f"{parts[0]}.{parts[1]}")
        return {decimal, Decimal("".join(parts))} if grouped else {decimal}
    if grouped:
        return {Decimal("".join(parts))}
    if digits.count(".") == 1 and digits.count(",") == len(parts) - 2 and digits.rfind(",") < digits.find("."):
        return {Decimal(digits.replace(",", ""))}
    return set()


def _dotted(digits: str) -> str:
    return digits.replace(",", ".")


def _begins_one_of(versions: Sequence[str], digits: str) -> bool:
    """Whether a version or a date such as 3.15.1 is among these, which are in order, or with two parts begins one."""
    place = bisect_left(versions, digits)
    if versions[place : place + 1] == [digits]:
        return True
    place = bisect_left(versions, f"{digits}.")
    return "." in digits and any(version.startswith(f"{digits}.") for version in versions[place : place + 1])


def _parts_known(digits: str, values: set[Decimal], months: set[int]) -> bool:
    """A date (12.03.2024 against "12 марта 2024") or numbers that only look like a grouped one ("2024 500")."""
    date = re.fullmatch(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{2,4}))?", digits)
    if date is not None:
        day, month, year = date.groups()
        return Decimal(day) in values and int(month) in months and (year is None or Decimal(year) in values)
    parts = _GROUPS.split(digits)
    return len(parts) > 1 and all(part.isdigit() and Decimal(part) in values for part in parts)


def _word_values(text: str) -> set[Decimal]:
    """The values of number words: "пять" 5, "two million" 2,000,000, "twenty-one" and "двадцать один" 21."""
    values: set[Decimal] = set()
    tens, last = Decimal(0), Decimal(0)
    for word in _words(text):
        if word.startswith(_FACTOR_STEMS):
            factor = next(factor for stem, factor in FACTORS.items() if word.startswith(stem))
            values.add((last or Decimal(1)) * factor)
            tens = last = Decimal(0)
        elif word in VALUES:
            last = tens + VALUES[word] if VALUES[word] < tens else Decimal(VALUES[word])
            values |= {Decimal(VALUES[word]), last}
            tens = last if last >= 20 and last % 10 == 0 else Decimal(0)
        else:
            tens = last = Decimal(0)
    return values
