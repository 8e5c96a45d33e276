"""Readers: subscribers, deliveries, schedules, and what operators did and should know."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operators",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_operators")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_bot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["public_bot_id"], ["public_bots.id"], name=op.f("fk_invitations_public_bot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code", name=op.f("uq_invitations_code")),
        sa.UniqueConstraint("public_bot_id", "origin", name=op.f("uq_invitations_public_bot_id_origin")),
    )
    op.create_table(
        "actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("operator_name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("public_bot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["public_bot_id"], ["public_bots.id"], name=op.f("fk_actions_public_bot_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_actions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )
    op.create_index("ix_actions_bot", "actions", ["public_bot_id", "id"], unique=False)
    op.create_index("ix_actions_run", "actions", ["run_id"], unique=False)
    op.create_table(
        "faults",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_bot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("message_id", sa.String(length=50), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["public_bot_id"], ["public_bots.id"], name=op.f("fk_faults_public_bot_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_faults_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faults")),
    )
    op.create_index(
        "ix_faults_untold",
        "faults",
        ["id"],
        unique=False,
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "slots",
        sa.Column("public_bot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["public_bot_id"], ["public_bots.id"], name=op.f("fk_slots_public_bot_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_slots_run_id")),
        sa.PrimaryKeyConstraint("public_bot_id", "due_at", name=op.f("pk_slots")),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_bot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("left_out", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("invitation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitations.id"], name=op.f("fk_subscribers_invitation_id")),
        sa.ForeignKeyConstraint(["public_bot_id"], ["public_bots.id"], name=op.f("fk_subscribers_public_bot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("public_bot_id", "chat_id", name=op.f("uq_subscribers_public_bot_id_chat_id")),
    )
    op.create_index("ix_subscribers_bot_state", "subscribers", ["public_bot_id", "state"], unique=False)
    op.create_index(
        "ix_subscribers_unasked",
        "subscribers",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'offered' AND asked_at IS NULL"),
        postgresql_where=sa.text("state = 'offered' AND asked_at IS NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name=op.f("fk_deliveries_digest_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_deliveries_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("digest_id", "chat_id", "part", name=op.f("uq_deliveries_digest_id_chat_id_part")),
    )
    op.create_index("ix_deliveries_lane", "deliveries", ["digest_id", "lane", "state", "due_at"], unique=False)
    op.create_index(
        "ix_deliveries_sending",
        "deliveries",
        ["started_at"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_deliveries_subscriber", "deliveries", ["subscriber_id"], unique=False)
    op.add_column("cards", sa.Column("is_below_draft", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("public_bots", sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("public_bots", sa.Column("schedule_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("public_bots", sa.Column("telegram_id", sa.BigInteger(), nullable=True))
    op.add_column("public_bots", sa.Column("username", sa.Text(), nullable=True))
    op.add_column("public_bots", sa.Column("token_fault", sa.String(length=50), nullable=True))
    op.add_column("public_bots", sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_public_bots_telegram_id", "public_bots", ["telegram_id"], unique=True)
    op.add_column("runs", sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("min_posts", sa.Integer(), server_default="1", nullable=False))
    op.add_column("runs", sa.Column("quiet_day", sa.String(length=10), nullable=True))
    op.add_column("runs", sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("work", sa.Column("lane", sa.Integer(), nullable=True))
    # A schedule that was only stored so far comes into force now: nothing that was due before is caught up.
    op.execute("UPDATE public_bots SET schedule_since = CURRENT_TIMESTAMP WHERE schedule IS NOT NULL")


def downgrade() -> None:
    op.drop_column("work", "lane")
    op.drop_column("runs", "is_paused")
    op.drop_column("runs", "quiet_day")
    op.drop_column("runs", "min_posts")
    op.drop_column("runs", "publish_at")
    op.drop_index("uq_public_bots_telegram_id", table_name="public_bots")
    op.drop_column("public_bots", "parked_until")
    op.drop_column("public_bots", "token_fault")
    op.drop_column("public_bots", "username")
    op.drop_column("public_bots", "telegram_id")
    op.drop_column("public_bots", "schedule_since")
    op.drop_column("public_bots", "is_paused")
    op.drop_column("cards", "is_below_draft")
    op.drop_index("ix_deliveries_subscriber", table_name="deliveries")
    op.drop_index(
        "ix_deliveries_sending",
        table_name="deliveries",
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.drop_index("ix_deliveries_lane", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(
        "ix_subscribers_unasked",
        table_name="subscribers",
        sqlite_where=sa.text("state = 'offered' AND asked_at IS NULL"),
        postgresql_where=sa.text("state = 'offered' AND asked_at IS NULL"),
    )
    op.drop_index("ix_subscribers_bot_state", table_name="subscribers")
    op.drop_table("subscribers")
    op.drop_table("slots")
    op.drop_index(
        "ix_faults_untold",
        table_name="faults",
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.drop_table("faults")
    op.drop_index("ix_actions_run", table_name="actions")
    op.drop_index("ix_actions_bot", table_name="actions")
    op.drop_table("actions")
    op.drop_table("invitations")
    op.drop_table("operators")
