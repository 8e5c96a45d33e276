"""`python -m pipeline database …`: what it says, what it refuses, and what it leaves as it was."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from pipeline.cli import main
from pipeline.pulse import owner_name
from settings import HOME
from storage.backup_file import opened
from storage.database import database_url
from storage.schema import known_revisions
from tests.storage.full_database import connected, contents, fill, make_schema

HEAD, BEFORE = known_revisions()[-1], known_revisions()[-2]


class Person:
    """Somebody at a terminal."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.kept = folder / "kept"
        self._capsys = capsys

    def types(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was said on both streams."""
        code = main(["database", *arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def goes_back(self, *arguments: str) -> tuple[int, str, str]:
        return self.types("downgrade", "--keep-in", str(self.kept), *arguments)

    def restores(self, name: str, *arguments: str) -> tuple[int, str, str]:
        return self.types("restore", str(self.folder / name), "--keep-in", str(self.kept), *arguments)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database: SQLite, or what a test asks for."""
    is_sqlite = getattr(request, "param", "sqlite") == "sqlite"
    setting = f"sqlite:///{tmp_path}/digest.db" if is_sqlite else request.getfixturevalue("postgres_url")
    return database_url(setting, HOME)


on_both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def person(url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Person:
    plain = url.set(drivername=url.get_backend_name())
    monkeypatch.setenv("DIGEST_DATABASE__URL", plain.render_as_string(hide_password=False))
    monkeypatch.setenv("DIGEST_SECURITY__SECRET_KEY", "a key of the tests")
    return Person(tmp_path, capsys)


@pytest.fixture
def filled(url: URL) -> URL:
    make_schema(url, "head")
    fill(url)
    return url


def living() -> str:
    """The owner that another process of this machine is."""
    place, _, rest = owner_name().rsplit(":", 2)
    return f"{place}:{os.getppid()}:{rest}"


def works_with_it(url: URL, owner: str) -> None:
    """The bot's lease, as it stands while it runs."""
    with connected(url) as connection:
        connection.execute(
            text("INSERT INTO leases (name, owner, until) VALUES ('bot', :owner, :until)"),
            {"owner": owner, "until": datetime.now(UTC) + timedelta(seconds=10)},
        )


def test_version_tells_both_schemas_and_who_works_with_it(filled: URL, person: Person) -> None:
    code, said, _ = person.types("version")
    assert code == 0
    assert f"has schema {HEAD}; this version works with {HEAD}" in said
    assert "No process works with it now." in said
    works_with_it(filled, living())
    assert "bot: works with it now." in person.types("version")[1]


@on_both
def test_upgrade_takes_an_old_database_forward_and_says_from_where(url: URL, person: Person) -> None:
    make_schema(url, BEFORE)
    assert person.types("version")[0] == 1
    assert person.types("upgrade") == (0, f"The database was taken from schema {BEFORE} to {HEAD}.\n", "")
    assert person.types("upgrade") == (0, f"The database has schema {HEAD} already.\n", "")


@on_both
def test_downgrade_says_what_is_lost_and_changes_nothing_until_it_is_told_yes(filled: URL, person: Person) -> None:
    before = contents(filled)
    code, said, error = person.goes_back("0003")
    assert code == 1
    assert "the table self_tests with 5 rows" in said
    assert "the column machine of workers, which holds something in 5 rows" in said
    assert "--yes" in error
    assert contents(filled) == before
    assert not person.kept.exists()


@on_both
def test_downgrade_goes_one_step_and_keeps_a_backup_of_before(filled: URL, person: Person) -> None:
    before = contents(filled)
    code, said, _ = person.goes_back("--yes")
    assert code == 0
    assert f"has schema {BEFORE}" in said
    (kept,) = person.kept.iterdir()
    assert str(kept) in said
    with opened(kept) as backup:
        assert backup.about.revision == HEAD
    after = contents(filled)
    assert "post_count" not in after["sources"][0]
    assert after["posts"] == before["posts"]


def test_downgrade_goes_to_an_earlier_revision_that_is_named_and_to_no_other(filled: URL, person: Person) -> None:
    code, _, error = person.goes_back(HEAD, "--yes")
    assert (code, f"Schema {HEAD} does not lie before {HEAD}" in error) == (1, True)
    assert person.goes_back("0002", "--yes", "--no-backup")[0] == 0
    assert not person.kept.exists()
    assert person.types("version")[1].startswith("The database has schema 0002")


@on_both
@pytest.mark.parametrize("command", ["downgrade", "restore"])
def test_nothing_is_changed_under_a_bot_that_works(filled: URL, person: Person, command: str) -> None:
    person.types("backup", str(person.folder / "all.zip"))
    works_with_it(filled, living())
    before = contents(filled)
    code, _, error = person.goes_back("--yes") if command == "downgrade" else person.restores("all.zip", "--replace")
    assert code == 1
    assert "(bot): stop the bot and all workers first" in error
    assert contents(filled) == before
    if command == "downgrade":
        assert person.goes_back("--yes", "--force")[0] == 0


def test_a_process_that_died_holds_nothing_up(filled: URL, person: Person) -> None:
    place = owner_name().rsplit(":", 2)[0]
    works_with_it(filled, f"{place}:{2**22 - 1}:dead")
    assert person.goes_back("--yes")[0] == 0


def test_backup_and_restore_of_everything(filled: URL, person: Person) -> None:
    before = contents(filled)
    code, said, _ = person.types("backup", str(person.folder / "all.zip"))
    assert code == 0
    assert re.search(rf"all.zip: \d+ rows, schema {HEAD}, installation 1111.*, as of .* UTC", said)
    with connected(filled) as connection:
        connection.execute(text("DELETE FROM given_posts"))
    code, _, error = person.restores("all.zip")
    assert code == 1
    assert "not empty: add --replace" in error
    code, said, _ = person.restores("all.zip", "--replace", "--nothing-sent-after", "backup")
    assert code == 0
    assert contents(filled)["given_posts"] == before["given_posts"]
    (kept,) = person.kept.iterdir()
    with opened(kept) as backup:
        assert backup.about.tables["given_posts"].rows == 0


@on_both
def test_restore_says_what_is_not_known_and_how_to_give_it(filled: URL, person: Person) -> None:
    with connected(filled) as connection:
        connection.execute(text("UPDATE deliveries SET state = 'pending' WHERE id <= 2"))
    person.types("backup", str(person.folder / "all.zip"))
    code, said, _ = person.restores("all.zip", "--replace")
    assert code == 0
    assert "Messages in doubt: 2. Runs that were ended: 0." in said
    assert re.search(r"slug №1: /retry \d+ gives what was published in that time; readers who had it already", said)
    with connected(filled) as connection:
        states = connection.execute(text("SELECT state FROM deliveries ORDER BY id")).scalars().all()
    assert states == ["unknown", "unknown", "sent", "sent", "sent"]


def test_restore_wants_a_moment_that_is_one(filled: URL, person: Person) -> None:
    person.types("backup", str(person.folder / "all.zip"))
    for words in ("yesterday", "2026-11-03T15:00"):
        code, _, error = person.restores("all.zip", "--replace", "--nothing-sent-after", words)
        assert code == 2
        assert "2026-11-03T15:00+00:00" in error


def test_restore_says_whose_tokens_cannot_be_read(filled: URL, person: Person) -> None:
    with connected(filled) as connection:
        connection.execute(text("UPDATE public_bots SET token_encrypted = 'sealed with another key' WHERE id = 2"))
    person.types("backup", str(person.folder / "all.zip"))
    assert "The tokens of slug №2 cannot be read" in person.restores("all.zip", "--replace")[1]


def test_what_cannot_be_done_is_one_sentence(filled: URL, person: Person) -> None:
    (person.folder / "notes.txt").write_text("notes")
    code, _, error = person.restores("notes.txt", "--replace")
    assert (code, error.count("\n")) == (1, 1)
    assert "notes.txt is damaged or no backup" in error
    code, _, error = person.restores("gone.zip", "--replace")
    assert (code, "gone.zip: No such file" in error) == (1, True)
    person.types("backup", str(person.folder / "all.zip"))
    code, _, error = person.types("backup", str(person.folder / "all.zip"))
    assert (code, "a backup never replaces a file" in error) == (1, True)


def test_a_broken_file_is_kept_and_a_backup_takes_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.setenv("DIGEST_DATABASE__URL", setting)
    person = Person(tmp_path, capsys)
    make_schema(database_url(setting, HOME), "head")
    person.types("backup", str(tmp_path / "all.zip"))
    (tmp_path / "digest.db").write_bytes(b"no database any more" * 1000)
    code, _, error = person.restores("all.zip")
    assert (code, "no whole database: add --replace" in error) == (1, True)
    assert person.restores("all.zip", "--replace")[0] == 0
    (kept,) = tmp_path.glob("digest.db.broken-*")
    assert kept.read_bytes() == b"no database any more" * 1000
    assert person.types("version")[0] == 0
