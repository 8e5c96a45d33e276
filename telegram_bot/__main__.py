"""`python -m telegram_bot`: the admin bot; run_bot.sh starts this."""

from __future__ import annotations

import asyncio
import sys

from pipeline.beginning import made_to_last

with made_to_last():
    from pipeline.errors import AnotherMachine, ForeignRedis
    from pipeline.logs import configure_logging, log_unhandled_errors, name_process, say
    from settings import BadSettings, load_settings
    from storage.database import BadDatabaseUrl
    from storage.schema import DatabaseUnreachable, SchemaTooNew
    from telegram_bot.app import BadToken, LostRole, run_bot


def main() -> int:
    """Serve operators until SIGTERM. 2: the settings cannot be used. 1: start it again."""
    if sys.argv[1:]:
        return _say("Usage: ./run_bot.sh takes no arguments; everything is in the settings.", 2)
    try:
        name_process("bot")
        settings = load_settings()
        configure_logging(settings)
        asyncio.run(run_bot(settings))
    except (BadSettings, BadDatabaseUrl, BadToken, ForeignRedis, AnotherMachine) as error:
        return _say(str(error), 2)
    except (SchemaTooNew, DatabaseUnreachable, LostRole) as error:
        return _say(str(error), 1)
    except KeyboardInterrupt:
        return 0
    return 0


def _say(sentence: str, code: int) -> int:
    say(sentence)
    return code


if __name__ == "__main__":
    log_unhandled_errors()
    raise SystemExit(main())
