"""How much of one reader is listened to."""

from __future__ import annotations

from dataclasses import dataclass, field

from telegram_bot.throttle import Throttle


@dataclass(frozen=True)
class Throttles:
    """What is kept in bounds, by public bot and chat."""

    messages: Throttle = field(default_factory=lambda: Throttle(20, 60.0))
    presses: Throttle = field(default_factory=lambda: Throttle(60, 60.0))
    digests: Throttle = field(default_factory=lambda: Throttle(1, 10.0))
    hints: Throttle = field(default_factory=lambda: Throttle(1, 10.0))
