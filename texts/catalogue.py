"""The catalogues of locales/ and the reader's way of writing numbers, dates and durations."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("en", "ru")
LOCALES = Path(__file__).resolve().parent / "locales"
BABEL_LOCALES = {"en": "en_GB", "ru": "ru_RU"}  # en_GB: the day before the month, 24 hours

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> gettext.GNUTranslations:
    with (LOCALES / language / "LC_MESSAGES" / "digest.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Texts:
    """Sentences in one language, by message id. Cheap to make: each language is read once a process.

    `language` is an IETF tag as Telegram gives it ("ru", "en-GB") or None; `default` is taken where we do not speak it.
    """

    __slots__ = ("_babel", "_catalogue", "language")

    def __init__(self, language: str | None, default: str = "en") -> None:
        wanted = (language or "").replace("_", "-").partition("-")[0].lower()
        self.language = wanted if wanted in LANGUAGES else default
        self._catalogue = _catalogue(self.language)
        self._babel = Locale.parse(BABEL_LOCALES[self.language])

    def get(self, message_id: str, /, **params: str | int) -> str:
        """The sentence, filled in.

        Raises:
            KeyError: no such message, or a placeholder has no parameter.
        """
        sentence = self._catalogue.gettext(message_id)
        if sentence == message_id:
            raise KeyError(message_id)
        return sentence.format(**params)

    def plural(self, message_id: str, n: int, /, **params: str | int) -> str:
        """The sentence in the form that goes with `n`, which fills `{n}` as the reader writes numbers.

        Raises:
            KeyError: as `get`.
        """
        sentence = self._catalogue.ngettext(message_id, message_id, n)
        if sentence == message_id:
            raise KeyError(message_id)
        return sentence.format(n=self.number(n), **params)

    def say(self, message_id: str, params: Mapping[str, str | int]) -> str:
        """A sentence whose id was stored or raised elsewhere; what another version wrote is shown as it is."""
        try:
            return self.get(message_id, **params)
        except KeyError:
            details = ", ".join(f"{key}: {value}" for key, value in params.items())
            return f"{message_id} ({details})" if details else message_id

    def number(self, n: int) -> str:
        return format_decimal(n, locale=self._babel)

    def language_name(self, code: str) -> str:
        """A language by its ISO 639-1 code, as this language calls it."""
        return str(self._babel.languages.get(code, code))

    def rate(self, per_second: float) -> str:
        """One digit after the point where the rate is below ten."""
        return format_decimal(per_second, "#,##0.#" if per_second < 10 else "#,##0", locale=self._babel)

    def money(self, amount: float) -> str:
        """Two digits after the point, four where the amount is below one."""
        return format_decimal(amount, "#,##0.0000" if amount < 1 else "#,##0.00", locale=self._babel)

    def period(self, start: datetime, end: datetime, timezone: str) -> str:
        """From `start` to `end` (exclusive) seen in `timezone`: whole days as days, else with hours; UTC is named."""
        zone = ZoneInfo(timezone)
        start, end = start.astimezone(zone), end.astimezone(zone)
        shown = self._days(start, end) if _is_midnight(start) and _is_midnight(end) else self._hours(start, end)
        return f"{shown} UTC" if timezone == "UTC" else shown

    def _days(self, start: datetime, end: datetime) -> str:
        last = max(start, end - timedelta(days=1))
        if start.date() == last.date():
            return format_date(start, "medium", locale=self._babel)
        return format_interval(start.date(), last.date(), "yMMMd", locale=self._babel)

    def _hours(self, start: datetime, end: datetime) -> str:
        short = "d MMM, HH:mm" if start.year == end.year else "d MMM y, HH:mm"
        return self.get(
            "time.span",
            start=format_datetime(start, short, locale=self._babel),
            end=format_datetime(end, "d MMM y, HH:mm", locale=self._babel),
        )

    def moment(self, moment: datetime, now: datetime, timezone: str) -> str:
        """A time of day seen in `timezone`, with its date where that is not the date of `now`; UTC is named."""
        zone = ZoneInfo(timezone)
        moment, now = moment.astimezone(zone), now.astimezone(zone)
        time = format_datetime(moment, "HH:mm", locale=self._babel) + (" UTC" if timezone == "UTC" else "")
        if moment.date() == now.date():
            return time
        day = format_date(moment, "d MMMM" if moment.year == now.year else "d MMMM y", locale=self._babel)
        return self.get("time.on_day", time=time, day=day)

    def appointment(self, moment: datetime, timezone: str) -> str:
        """A moment to come seen in `timezone`: weekday, date and time."""
        return format_datetime(moment.astimezone(ZoneInfo(timezone)), "EEE, d MMM y, HH:mm", locale=self._babel)

    def duration(self, seconds: float) -> str:
        """The two largest units, such as 1 min 20 s; a unit that is nought is left out."""
        whole = max(0, round(seconds))
        units = [
            ("time.days", whole // DAY_S),
            ("time.hours", whole % DAY_S // HOUR_S),
            ("time.minutes", whole % HOUR_S // MINUTE_S),
            ("time.seconds", whole % MINUTE_S),
        ]
        largest = next((i for i, (_, n) in enumerate(units) if n), len(units) - 1)
        shown = [self.get(unit, n=n) for unit, n in units[largest : largest + 2] if n]
        return " ".join(shown) or self.get("time.seconds", n=0)

    def ago(self, moment: datetime, now: datetime) -> str:
        """How long before `now` a moment was, in words and roughly: 3 hours ago."""
        passed = now - moment
        if passed < timedelta(minutes=1):
            return self.get("time.just_now")
        return format_timedelta(-passed, add_direction=True, locale=self._babel)


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
