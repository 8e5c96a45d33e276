"""Kombu's Redis transport, made to drop what is no message, and to make its client once.

As it comes, one message of garbage in a queue ends the worker, and the next one ends it again as soon as it was started
again; and a client is made for every command, which costs more than the command.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Mapping
from typing import Any

from kombu.transport import redis

from pipeline.queues import ALL_QUEUES

log = logging.getLogger(__name__)


def is_message(found: object) -> bool:
    """Whether Kombu can make a message of this."""
    match found:
        case {
            "headers": dict(),
            "body": str(),
            "properties": {"delivery_tag": str(), "delivery_info": dict()},
        }:
            return True
    return False


def is_call(message: Mapping[str, Any]) -> bool:
    """Whether it is the call of a task, written as we write it (Celery's message protocol 2, in JSON and base64)."""
    match message:
        case {
            "headers": {"task": str(), "id": str()},
            "content-type": "application/json",
            "properties": {"body_encoding": "base64"},
        }:
            return _is_arguments(message["body"])
    return False


def _is_arguments(body: str) -> bool:
    try:
        found = json.loads(base64.b64decode(body))
    except (binascii.Error, ValueError, RecursionError):
        return False
    match found:
        case [list(), dict(), dict()]:
            return True
    return False


class Channel(redis.Channel):
    """What was taken from a queue and is no JSON is gone."""

    _shared_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # it keeps a connection of its own
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        if self._shared_client is None or self._shared_client.connection_pool is not self.pool:
            self._shared_client = super()._create_client()  # type: ignore[no-untyped-call]
        return self._shared_client

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            log.warning("Something that is no message was in a queue; it was dropped.")
            return True


class Transport(redis.Transport):
    """Redis, with channels that can be shown anything."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_message(message) and (queue not in ALL_QUEUES or is_call(message)):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            log.warning("Something that is no call of a task was in the queue %s; it was dropped.", queue)
