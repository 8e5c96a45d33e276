"""What is known of model providers, kept answers, which database this is, and strangers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "providers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("most_prompt_tokens", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_providers")),
    )
    op.create_table(
        "model_answers",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model_answers")),
    )
    op.create_index("ix_model_answers_asked", "model_answers", ["asked_at"], unique=False)
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "strangers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_strangers")),
    )
    op.add_column("runs", sa.Column("asks_anew", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("runs", sa.Column("late_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("model_calls", sa.Column("is_fallback", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("model_calls", "is_fallback")
    op.drop_column("runs", "late_since")
    op.drop_column("runs", "asks_anew")
    op.drop_table("strangers")
    op.drop_table("installation")
    op.drop_index("ix_model_answers_asked", table_name="model_answers")
    op.drop_table("model_answers")
    op.drop_table("providers")
