"""The three families of errors. Adapters translate what libraries raise into the first two; the rest are bugs."""

from __future__ import annotations

from pipeline.ports import Usage
from storage.records import Unreached


class Retryable(Exception):
    """It may work later. `after_s` is how long the other side asked us to wait, `usage` what the try has cost."""

    def __init__(self, reason: str, after_s: float | None = None, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s
        self.usage = usage


class BatchRefused(Exception):
    """The model would not or could not answer this batch as a whole: ask for its posts in smaller ones."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.usage = usage


class PromptCut(BatchRefused):
    """The server read only the first so many tokens of a prompt: what it answered is worth nothing."""

    def __init__(self, usage: Usage, asked_tokens: int) -> None:
        super().__init__(f"the server read only {usage.input_tokens} of about {asked_tokens} tokens", usage)
        self.read_tokens = usage.input_tokens
        self.asked_tokens = asked_tokens


class ForPeople(Exception):
    """Somebody can do something about it: `message_id` names the sentence in texts/, `params` fill it in."""

    def __init__(self, message_id: str, **params: str | int) -> None:
        super().__init__(f"{message_id} {params}" if params else message_id)
        self.message_id = message_id
        self.params = params


class BrokerUnavailable(Exception):
    """The broker cannot be reached. What was to be said is in the database and is said again by the tick."""


class ForeignRedis(Exception):
    """Another installation, with a database of its own, works with the Redis of the settings."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"Another installation uses this Redis with another database than {database}: they would take each other's "
            "work. Set redis.url to another number (such as redis://127.0.0.1:6379/1), or database.url to the same one."
        )


class AnotherMachine(Exception):
    """A process on another machine works with the SQLite file of the settings."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The database is an SQLite file, and {name} on another machine works with it, too: an SQLite file is for "
            "one machine. Set database.url to a PostgreSQL database on all machines, or stop the processes over there."
        )


class Unreachable(Exception):
    """Telegram will not deliver to this chat, and said why: `why` for us, the message in its own words."""

    def __init__(self, said: str, why: Unreached) -> None:
        super().__init__(said)
        self.why = why


class Migrated(Exception):
    """The group has become a supergroup: it is reached under `chat_id` from now on. Nothing was sent."""

    def __init__(self, chat_id: int) -> None:
        super().__init__(f"the chat is {chat_id} now")
        self.chat_id = chat_id


class MessageRefused(Exception):
    """Telegram refused the message itself (it cannot be parsed, is too long or empty): no chat would get it."""


class TokenRefused(Exception):
    """Telegram does not know this bot's token (any more)."""


class MessageGone(Exception):
    """The message to be edited was deleted."""


class Uncertain(Exception):
    """Nobody knows whether the message arrived: the connection broke, or the answer could not be read."""
