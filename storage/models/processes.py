"""Which processes there are, what each is for, and whether they work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, BigId, Json


class WorkerRow(Base):
    """`machine` tells the kernel that it runs on from all others, which a container's host name does not."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    machine: Mapped[str | None] = mapped_column(String(64))
    pid: Mapped[int]
    queues: Mapped[list[str]] = mapped_column(Json)
    concurrency: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class LeaseRow(Base):
    """A role that only one process has at a time, such as the tick or the writer of cards."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime]


class InstallationRow(Base):
    """The one row that tells this database from all others."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(36))


class SelfTestRow(Base):
    """A try of the model through a worker: asked for, begun by `worker`, and how it ended."""

    __tablename__ = "self_tests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(200))
    model: Mapped[str | None]
    duration_ms: Mapped[int | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
