"""A file that cannot be imported is named, with the place and what is wrong, and never anything but `BrokenFile`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipeline.sources import BrokenFile
from pipeline.sources.files import open_posts

EXPORT = {
    "name": "Новости",
    "type": "public_channel",
    "id": 12345,
    "messages": [
        {"id": number, "type": "message", "date_unixtime": "1767323045", "text": [f"Пост {number}", {"text": "\\"}]}
        for number in range(3)
    ],
}
ACCOUNT = {"about": "", "chats": {"about": "", "list": [EXPORT, {"type": "personal_chat", "messages": [{"id": 1}]}]}}
DUMP = [{"id": number, "date": 1767323045, "text": "a"} for number in range(3)]
LINES = "\n".join(json.dumps(message) for message in DUMP)


def broken(path: Path) -> BrokenFile:
    with pytest.raises(BrokenFile) as caught:
        list(open_posts(path))
    return caught.value


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not JSON"),
        (b"hello", "is not JSON"),
        ("[1]".encode("utf-16"), "is not JSON"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"[1, 2, 3]", "no messages"),
        (b'["a", {"id": 1}]', "no messages"),
        (b"[[[[" * 50_000, "no messages"),
        (b'{"a":' * 50_000, "no messages"),
        (b'{"name": "package", "scripts": {"a": "b"}, "files": ["x"]}', "no messages"),
        (b"{}", "no messages"),
        (b"{\x00\xff", "is not valid JSON"),
        (b'[{"id": ' + b"1" * 5000 + b"}]", "is not valid JSON"),
    ],
)
def test_the_problem_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    error = broken(path)
    assert error.message_id == "import.broken_file"
    assert error.params["file"] == "file.json"
    assert problem in str(error.params["problem"])


def test_the_place_of_a_mistake_is_exact_however_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    lines = [json.dumps({"id": number, "date": 1, "text": "Ж@ " * 40}, ensure_ascii=False) for number in range(2000)]
    lines[1500] = lines[1500].replace('"text"', "text")
    written = ("[\n" + ",\n".join(lines) + "\n]").replace("@", r"\x0b")
    path.write_text(written, encoding="utf-8")
    byte = len(written[: written.index(" text")].encode()) + len(" t")
    assert byte > 2 * 64 * 1024
    error = broken(path)
    assert (error.params["line"], error.params["byte"]) == (1502, byte)
    assert error.params["position"] == f"line 1502, byte {byte}"
    assert "is not valid JSON" in str(error.params["problem"])


def test_a_file_that_was_cut_says_so_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    written = json.dumps(DUMP, indent=1)[:-20]
    path.write_text(written, encoding="utf-8")
    error = broken(path)
    assert "ends in the middle" in str(error.params["problem"])
    assert (error.params["line"], error.params["byte"]) == (written.count("\n") + 1, len(written))


@pytest.mark.parametrize("content", [EXPORT, ACCOUNT, DUMP])
def test_wherever_a_file_is_cut_it_is_a_broken_file(tmp_path: Path, content: object) -> None:
    whole = json.dumps(content, ensure_ascii=False).encode()
    path = tmp_path / "file.json"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        broken(path)


@pytest.mark.parametrize("content", [json.dumps(EXPORT), json.dumps(ACCOUNT), json.dumps(DUMP), LINES])
def test_damaged_bytes_never_do_worse_than_a_broken_file(tmp_path: Path, content: str) -> None:
    dice = random.Random(20)
    path = tmp_path / "file.json"
    for _ in range(300):
        damaged = bytearray(content.encode())
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.choice(b'{}[]",:\\x\x00\xff0e-')
        path.write_bytes(damaged)
        try:
            list(open_posts(path))
        except BrokenFile:
            continue


def test_garbage_behind_the_end_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(DUMP) + "\nxx", encoding="utf-8")
    assert broken(path).params["line"] == 2


def test_a_line_of_json_lines_that_is_broken_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(LINES + '\n{"id": 3, "date": }\n' + LINES, encoding="utf-8")
    assert broken(path).params["line"] == 4


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in str(broken(tmp_path / "absent.json").params["problem"])


def test_a_folder_of_telegram_desktop_stands_for_its_result(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(EXPORT), encoding="utf-8")
    assert len(list(open_posts(tmp_path))) == 3


def test_other_folders_are_refused(tmp_path: Path) -> None:
    assert "without a result.json" in str(broken(tmp_path).params["problem"])
    (tmp_path / "messages.html").write_text("<html>", encoding="utf-8")
    assert "Machine-readable JSON" in str(broken(tmp_path).params["problem"])
