"""The command line: which commands there are and how their errors are said. What they do is in commands/."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from kombu.exceptions import KombuError
from sqlalchemy.exc import SQLAlchemyError

from pipeline.commands import (
    adopt,
    bots,
    compare,
    database,
    demo,
    digest,
    doctor,
    flower,
    importing,
    monitor,
    sources,
    status,
    subscribers,
    tune,
    working,
)
from pipeline.errors import AnotherMachine, BrokerUnavailable, ForeignRedis, ForPeople
from pipeline.logs import configure_logging, name_process, say
from settings import BadSettings, Settings, load_settings
from storage.database import BadDatabaseUrl
from storage.schema import DatabaseUnreachable, SchemaTooNew
from texts import Texts

FAILURE = 1
WRONG_USAGE = 2

Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]
BlockingCommand = Callable[[Settings, argparse.Namespace], int]
LoneCommand = Callable[[argparse.Namespace], int]  # it reads the settings itself


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors go to stderr as one sentence."""
    options = _parser().parse_args(arguments)
    try:
        if not options.needs_settings:
            return _run_alone(options.command, options)
        name_process(options.process)
        settings = load_settings()
        configure_logging(settings, quiet=not options.logs)
        if options.blocks:
            return _run_blocking(options.command, settings, options)
        return _run(options.command, settings, options)
    except (BadSettings, BadDatabaseUrl, ForeignRedis, AnotherMachine) as error:
        return _say(str(error), WRONG_USAGE)
    except ForPeople as error:
        return _say(Texts("en").get(error.message_id, **error.params), FAILURE)
    except BrokerUnavailable as error:
        return _say(f"Redis cannot be reached ({error}): start it with scripts/start_redis.sh.", FAILURE)
    except (SchemaTooNew, DatabaseUnreachable) as error:
        return _say(str(error), FAILURE)
    except OSError as error:
        return _say(f"{error.filename or 'A file or connection'}: {error.strerror or error}.", FAILURE)
    except (SQLAlchemyError, KombuError) as error:
        return _say(f"The database or the broker failed: {type(error).__name__}.", FAILURE)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)


def _run(command: Command, settings: Settings, options: argparse.Namespace) -> int:
    return asyncio.run(command(settings, options))


def _run_blocking(command: BlockingCommand, settings: Settings, options: argparse.Namespace) -> int:
    return command(settings, options)


def _run_alone(command: LoneCommand, options: argparse.Namespace) -> int:
    return command(options)


def _say(sentence: str, code: int) -> int:
    say(sentence)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Digest Bot without a chat.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str, command: Command | BlockingCommand | LoneCommand) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_text, description=help_text)
        one.set_defaults(command=command, process=name, logs=False, blocks=False, needs_settings=True)
        return one

    one = add("import", "Store the posts of a Telegram Desktop export or a message dump.", importing.run)
    one.add_argument("path", type=Path, metavar="PATH", help="result.json, its folder, or a JSON or JSON Lines dump")
    one.add_argument("--source", required=True, metavar="NAME", help="the source these posts belong to")
    one.add_argument("--title", help="what readers see as the origin of the posts")
    one.add_argument("--username", help="the channel's public name, for links to its posts")

    one = add("sources", "List sources, or add one.", sources.run)
    actions = one.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every source with its last post")
    adding = actions.add_parser("add", help="add a source, or change its title and public name")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--title")
    adding.add_argument("--username")

    one = add("bots", "Create or update public bots from a file, or write them to one.", bots.run)
    actions = one.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("apply", help="create or update").add_argument("path", type=Path, metavar="FILE.toml")
    exporting = actions.add_parser("export", help="write all public bots as a bots file")
    exporting.add_argument("path", type=Path, nargs="?", metavar="FILE.toml", help="stdout where it is left out")
    exporting.add_argument("--replace", action="store_true", help="write over a file that exists")

    one = add("digest", "Make a digest of a public bot and deliver it to its readers.", digest.run)
    one.add_argument("bot", metavar="BOT", help="the public bot's slug")
    one.add_argument("--period", metavar="P", help="24h, 3d, 2024-12-01..2024-12-04; default: since the last digest")
    one.add_argument("--limit", type=int, metavar="N", help="at most so many posts")
    one.add_argument("--wait", action="store_true", help="wait until it was delivered or waits for approval; print it")
    one.add_argument("--no-deliver", action="store_true", help="to nobody: its posts stay free for the next digest")
    one.add_argument("--format", choices=("text", "json", "html"), default="text")

    one = add("subscribers", "The readers of a public bot, their table, and invitation links.", subscribers.run)
    one.add_argument("bot", metavar="BOT", help="the public bot's slug")
    one.add_argument(
        "--export", type=Path, metavar="FILE.csv", help="write all its readers to a file, for a spreadsheet"
    )
    one.add_argument("--invite", metavar="ORIGIN", help="print the invitation link for readers who come from there")
    one = add("status", "What is going on.", status.run)
    one.add_argument("--json", action="store_true", help="for scripts")
    one.add_argument("--tasks", action="store_true", help="what each worker is at, by asking them all")

    one = add("doctor", "Check settings, database, Redis, workers, model, Telegram; say what to do.", doctor.run)
    one.set_defaults(needs_settings=False)
    one.add_argument("--json", action="store_true", help="for scripts")

    one = add("adopt", "Take over from the program that made digests before: docs/migration.md.", adopt.posts)
    actions = one.add_subparsers(dest="action", required=True, metavar="ACTION")
    takings = {
        "posts": (adopt.posts, "store the posts of its cache"),
        "flags": (adopt.flags, "mark the posts that it had given, so that no reader gets them again"),
        "bots": (adopt.bots, "write its bots as a bots file, for bots apply"),
    }
    for name, (command, help_text) in takings.items():
        taking = actions.add_parser(name, help=help_text, description=help_text)
        taking.set_defaults(command=command)
        taking.add_argument("path", type=Path, metavar="PATH", help="JSON, JSON Lines, SQLite, CSV, TOML or Python")
        taking.add_argument("--table", metavar="NAME", help="of an SQLite file")
        taking.add_argument("--dry-run", action="store_true", help="only say what would be taken over")
        taking.add_argument("--report", type=Path, metavar="FILE.json", help="what was not; default: in var/")
        if name == "posts":
            taking.add_argument("--source", metavar="NAME", help="one source for all; default: one for each channel")
        elif name == "flags":
            taking.add_argument("--bot", action="append", default=[], metavar="SLUG", help="default: all public bots")
        else:
            taking.add_argument("--output", type=Path, default=Path("bots.toml"), metavar="FILE.toml")
            taking.add_argument("--print-tokens", action="store_true", help="print the lines for .env")
    giving = actions.add_parser("export-flags", help="write what readers were given by us, for the old program")
    giving.set_defaults(command=adopt.export_flags)
    giving.add_argument("path", type=Path, nargs="?", metavar="FILE.json", help="stdout where it is left out")
    giving.add_argument("--bot", action="append", default=[], metavar="SLUG", help="default: all public bots")
    giving.add_argument("--since", type=adopt.since, metavar="MOMENT", help="default: all but what was taken over")

    one = add("compare", "A digest of the old program beside ours of the same posts.", compare.run)
    one.add_argument("old", type=Path, metavar="OLD", help="its digest, as JSON or as the text that was sent")
    one.add_argument("new", metavar="RUN-OR-BOT", help="a run's number, or a public bot's slug: its newest digest")
    one.add_argument("--period", metavar="P", help="of the public bot's runs, the one of this period")
    one.add_argument("--json", type=Path, metavar="FILE.json", help="write all of it there")

    one = add("tune", "Find the batch size for a public bot, by trying several on its newest posts.", tune.run)
    tune.add_arguments(one)

    one = add("demo", "Make two digests of the sample posts.", demo.run)
    one.add_argument("--samples", type=Path, default=demo.SAMPLES, help=argparse.SUPPRESS)

    one = add("database", "The database's schema, backups, and the way back.", database.run)
    database.add_actions(one)

    one = add("worker", "Work until SIGTERM; run_worker.sh starts this.", working.run)
    one.set_defaults(logs=True, blocks=True)
    one.add_argument("--queues", type=working.queue_names, default=working.ALL_QUEUES, metavar="A,B")
    one.add_argument("--concurrency", type=working.positive, metavar="N", help="default: llm.max_concurrency")
    one.add_argument("--name", help="shown in /status and in Flower")

    one = add("flower", "Serve Flower until SIGTERM; scripts/start_monitoring.sh starts this.", flower.run)
    one.set_defaults(logs=True, blocks=True)
    one.add_argument("--port", type=int, default=flower.DEFAULT_PORT, help=f"default: {flower.DEFAULT_PORT}")
    one.add_argument("--host", default=flower.DEFAULT_HOST, help=f"default: {flower.DEFAULT_HOST}, this machine only")
    add("flower-running", "Print process number and address of this installation's Flower, if it runs.", flower.running)

    one = add("monitor", "Redis' latency and memory, and the workers' memory, once.", monitor.run)
    one.add_argument(
        "--noted-from-ms", type=working.positive, default=monitor.NOTED_FROM_MS, metavar="MS",
        help=f"what Redis' latency monitor notes where it was off; default: {monitor.NOTED_FROM_MS}",
    )  # fmt: skip
    return parser
