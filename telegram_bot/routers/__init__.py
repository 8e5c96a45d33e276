"""Handlers: they parse, call one thing, answer with one view."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router

from telegram_bot.routers import digests, errors, help, sources, status


def make_routers() -> Sequence[Router]:
    """New routers each time: one can be attached once only. The last one answers what no other understood."""
    return [module.make_router() for module in (errors, digests, status, sources, help)]
