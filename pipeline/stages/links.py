"""Links that open a bot."""

from __future__ import annotations


def start_link(username: str, payload: str) -> str:
    """Opens a chat with a bot, whose /start then has the payload: https://core.telegram.org/bots/features#deep-linking"""
    return f"https://t.me/{username}?start={payload}"
