"""How many posts a source has, and indexes with which nothing that is asked often reads a whole table."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNT = "UPDATE sources SET post_count = (SELECT count(*) FROM posts WHERE posts.source_id = sources.id)"
PENDING, CLAIMED, OPEN, RESTORED = (
    sa.text("state = 'pending'"), sa.text("state = 'claimed'"), sa.text("announced_at IS NULL"),
    sa.text("origin = 'restore'"),
)  # fmt: skip


def upgrade() -> None:
    op.add_column("sources", sa.Column("post_count", sa.Integer(), server_default="0", nullable=False))
    op.execute(COUNT)
    op.create_index("ix_work_state", "work", ["state", "due_at"], unique=False)
    op.drop_index("ix_work_pending", table_name="work")
    op.drop_index("ix_work_claimed", table_name="work")
    op.drop_index("ix_runs_state", table_name="runs")
    op.create_index("ix_runs_state", "runs", ["state", "id"], unique=False)
    op.create_index(
        "ix_runs_restored", "runs", ["public_bot_id", "period_end"], unique=False, sqlite_where=RESTORED,
        postgresql_where=RESTORED,
    )  # fmt: skip
    op.drop_index("ix_cards_open", table_name="cards")
    op.create_index("ix_cards_open", "cards", ["id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_index("ix_cards_open", table_name="cards")
    op.create_index("ix_cards_open", "cards", ["run_id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_index("ix_runs_restored", table_name="runs")
    op.drop_index("ix_runs_state", table_name="runs")
    op.create_index("ix_runs_state", "runs", ["state"], unique=False)
    op.create_index(
        "ix_work_claimed", "work", ["owner", "lease_until"], unique=False, sqlite_where=CLAIMED,
        postgresql_where=CLAIMED,
    )  # fmt: skip
    op.create_index(
        "ix_work_pending", "work", ["due_at"], unique=False, sqlite_where=PENDING, postgresql_where=PENDING
    )  # fmt: skip
    op.drop_index("ix_work_state", table_name="work")
    op.drop_column("sources", "post_count")
