"""Handlers: they parse, call one thing, answer with one view."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router

from telegram_bot.routers import (
    bots,
    chats,
    decisions,
    digests,
    errors,
    health,
    help,
    schedule,
    sources,
    status,
    subscribers,
    troubles,
)


def make_routers() -> Sequence[Router]:
    """New routers each time: one can be attached once only. The last one answers what no other understood."""
    modules = (errors, digests, decisions, chats, status, health, troubles, bots, subscribers, schedule, sources, help)
    return [module.make_router() for module in modules]
