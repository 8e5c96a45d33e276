"""The tables. Only this package sees these classes; what leaves it are the frozen values of `records`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC. SQLite keeps no zone: it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON()
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only where the type is INTEGER


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), str: Text()}  # noqa: RUF012 - SQLAlchemy's own attribute


class SourceRow(Base):
    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str]
    chat_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    username: Mapped[str | None]
    home_channel: Mapped[str | None]
    added_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class PostRow(Base):
    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_posts_source_published", "source_id", "published_at"),
        Index("ix_posts_source_album", "source_id", "album_id", sqlite_where=text("album_id IS NOT NULL"),
              postgresql_where=text("album_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    published_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    stored_at: Mapped[datetime]
    text: Mapped[str]
    text_hash: Mapped[str] = mapped_column(String(32))
    url: Mapped[str | None]
    links: Mapped[list[str]] = mapped_column(Json)
    channel_title: Mapped[str | None]
    album_id: Mapped[str | None] = mapped_column(String(64))
    album_captions: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))


class PublicBotRow(Base):
    """`schedule_since` is when its schedule came into force: what was due before is not caught up."""

    __tablename__ = "public_bots"
    __table_args__ = (Index("uq_public_bots_telegram_id", "telegram_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str]
    language: Mapped[str] = mapped_column(String(8))
    timezone: Mapped[str] = mapped_column(String(64))
    max_posts_per_digest: Mapped[int]
    categorization_prompt: Mapped[str]
    summarization_prompt: Mapped[str]
    categories: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    schedule: Mapped[str | None]
    token_env: Mapped[str | None]
    token_encrypted: Mapped[str | None]
    approval: Mapped[bool | None]
    min_posts: Mapped[int | None]
    quiet_day: Mapped[str | None] = mapped_column(String(10))
    window_hours: Mapped[int | None]
    batch_size: Mapped[int | None]
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    schedule_since: Mapped[datetime | None]
    telegram_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str | None]
    token_fault: Mapped[str | None] = mapped_column(String(50))
    parked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PublicBotSourceRow(Base):
    __tablename__ = "public_bot_sources"

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    position: Mapped[int]


RUN_GOES_ON = "state NOT IN ('done', 'failed', 'cancelled')"


class RunRow(Base):
    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("chat_id", "message_id"),
        Index("uq_runs_going_on", "public_bot_id", unique=True, sqlite_where=text(RUN_GOES_ON),
              postgresql_where=text(RUN_GOES_ON)),
        Index("ix_runs_bot_created", "public_bot_id", "created_at"),
        Index("ix_runs_state", "state"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    state: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    engine: Mapped[str] = mapped_column(String(10))
    provider: Mapped[str] = mapped_column(String(20))
    model: Mapped[str]
    origin: Mapped[str] = mapped_column(String(20))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    requested_by: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_by: Mapped[int | None] = mapped_column(BigInteger)
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    post_limit: Mapped[int]
    min_posts: Mapped[int] = mapped_column(server_default="1")
    quiet_day: Mapped[str | None] = mapped_column(String(10))
    deliver: Mapped[bool]
    publish_at: Mapped[datetime | None]
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    asks_anew: Mapped[bool] = mapped_column(server_default=false())
    late_since: Mapped[datetime | None]
    notice: Mapped[str | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    stage_started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RunPostRow(Base):
    __tablename__ = "run_posts"
    __table_args__ = (Index("ix_run_posts_run_status", "run_id", "status"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    category: Mapped[str | None]
    importance: Mapped[int | None]
    reason: Mapped[str | None]
    headline: Mapped[str | None]
    summary: Mapped[str | None]


class WorkRow(Base):
    __tablename__ = "work"
    __table_args__ = (
        Index("ix_work_run_state", "run_id", "state"),
        Index("ix_work_pending", "due_at", sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("ix_work_claimed", "owner", "lease_until", sqlite_where=text("state = 'claimed'"),
              postgresql_where=text("state = 'claimed'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(10))
    post_ids: Mapped[list[int]] = mapped_column(Json)
    lane: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    fence: Mapped[int]
    failures: Mapped[int]
    crashes: Mapped[int]
    retries: Mapped[int]
    due_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]


class ModelCallRow(Base):
    __tablename__ = "model_calls"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    work_id: Mapped[int]
    model: Mapped[str]
    is_fallback: Mapped[bool] = mapped_column(server_default=false())
    outcome: Mapped[str]
    input_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cost: Mapped[float] = mapped_column(Float)
    duration_ms: Mapped[int]
    called_at: Mapped[datetime]


class ProviderRow(Base):
    """A model provider as it was found: `failure` is why nothing works there until somebody acts, `most_prompt_tokens`
    what it was seen to read of a prompt at most. `name` tells providers apart without naming a key."""

    __tablename__ = "providers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    failed_at: Mapped[datetime | None]
    most_prompt_tokens: Mapped[int | None]


class ModelAnswerRow(Base):
    """A verdict or a summary, kept under what was asked: the prompts, the model and all that it saw of the post."""

    __tablename__ = "model_answers"
    __table_args__ = (Index("ix_model_answers_asked", "asked_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    asked_at: Mapped[datetime]


class DigestRow(Base):
    __tablename__ = "digests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]


class GivenPostRow(Base):
    """A post that a public bot's readers, or its operators where it has none, were given."""

    __tablename__ = "given_posts"
    __table_args__ = (Index("ix_given_posts_text", "public_bot_id", "text_hash"),)

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    text_hash: Mapped[str] = mapped_column(String(32))
    digest_id: Mapped[int] = mapped_column(ForeignKey("digests.id"))
    given_at: Mapped[datetime]


class CardRow(Base):
    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("run_id", "chat_id"),
        Index("ix_cards_open", "run_id", sqlite_where=text("announced_at IS NULL"),
              postgresql_where=text("announced_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(String(8))
    shown_version: Mapped[int]
    is_final: Mapped[bool]
    is_gone: Mapped[bool]
    parts_sent: Mapped[int]
    part_in_doubt: Mapped[int | None]
    is_below_draft: Mapped[bool] = mapped_column(server_default=false())
    announced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class InvitationRow(Base):
    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("public_bot_id", "origin"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    code: Mapped[str] = mapped_column(String(64), unique=True)
    origin: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class SubscriberRow(Base):
    """A chat that reads a public bot, or did. `left_out` are categories it does not want; NULL: it wants all."""

    __tablename__ = "subscribers"
    __table_args__ = (
        UniqueConstraint("public_bot_id", "chat_id"),
        Index("ix_subscribers_bot_state", "public_bot_id", "state"),
        Index("ix_subscribers_unasked", "id", sqlite_where=text("state = 'offered' AND asked_at IS NULL"),
              postgresql_where=text("state = 'offered' AND asked_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(12))
    title: Mapped[str | None]
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(30))
    left_out: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class DeliveryRow(Base):
    """One part of a digest for one chat. `due_at` is NULL until the part before it has ended; `attempt` numbers the
    calls, so that a result is saved only for the call it came from."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("digest_id", "chat_id", "part"),
        Index("ix_deliveries_lane", "digest_id", "lane", "state", "due_at"),
        Index("ix_deliveries_subscriber", "subscriber_id"),
        Index("ix_deliveries_sending", "started_at", sqlite_where=text("state = 'sending'"),
              postgresql_where=text("state = 'sending'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(ForeignKey("digests.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    part: Mapped[int]
    lane: Mapped[int]
    left_out: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None]
    attempt: Mapped[int]
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)


class SlotRow(Base):
    """A time at which a public bot's schedule wanted a digest, and the run that makes it."""

    __tablename__ = "slots"

    public_bot_id: Mapped[int] = mapped_column(ForeignKey("public_bots.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    created_at: Mapped[datetime]


class OperatorRow(Base):
    """An operator as last seen: how to address them when they did not ask."""

    __tablename__ = "operators"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8))
    seen_at: Mapped[datetime]


class ActionRow(Base):
    """What an operator changed, and when. `operator_id` is NULL for the command line."""

    __tablename__ = "actions"
    __table_args__ = (Index("ix_actions_run", "run_id"), Index("ix_actions_bot", "public_bot_id", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    operator_id: Mapped[int | None] = mapped_column(BigInteger)
    operator_name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(30))
    public_bot_id: Mapped[int | None] = mapped_column(ForeignKey("public_bots.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


class FaultRow(Base):
    """Something that operators should know of. `told_at` is NULL until the bot has told them."""

    __tablename__ = "faults"
    __table_args__ = (
        Index("ix_faults_untold", "id", sqlite_where=text("told_at IS NULL"), postgresql_where=text("told_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    public_bot_id: Mapped[int | None] = mapped_column(ForeignKey("public_bots.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    message_id: Mapped[str] = mapped_column(String(50))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    told_at: Mapped[datetime | None]


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


class StrangerRow(Base):
    """Somebody who is no operator and wrote to the admin bot or pressed one of its buttons."""

    __tablename__ = "strangers"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    times: Mapped[int]
    seen_at: Mapped[datetime]


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
