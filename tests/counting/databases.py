"""An empty database, filled, counted and closed in one go."""

from __future__ import annotations

from settings import HOME
from storage.database import Database, database_url
from storage.schema import migrate
from tests.counting.pieces import Counted, count_everything


async def counted_in(setting: str) -> Counted:
    """What each piece of work asks of the database with this URL."""
    url = database_url(setting, HOME)
    await migrate(url)
    database = Database(url)
    try:
        return await count_everything(database)
    finally:
        await database.close()
