"""What every update passes before a handler sees it: who may come in, how often, and how they are called."""

from __future__ import annotations

from telegram_bot.middlewares.admission import OnlyOperators
from telegram_bot.middlewares.memory import RemembersOperators
from telegram_bot.middlewares.patience import ThrottlesOperators

__all__ = ["OnlyOperators", "RemembersOperators", "ThrottlesOperators"]
