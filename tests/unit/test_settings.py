"""Settings: the file documents the defaults, the environment wins, and a mistake names its key."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from pipeline.usable_settings import usable_settings
from settings import HOME, BadSettings, Settings, load_settings

SECRET = "very-secret-value-0123456789"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)


def load(tmp_path: Path, toml: str = "", env: str = "") -> Settings:
    (tmp_path / "settings.toml").write_text(toml)
    (tmp_path / ".env").write_text(env)
    return load_settings(tmp_path / "settings.toml", tmp_path / ".env")


def tables() -> dict[str, type[BaseModel]]:
    return {name: type(getattr(Settings(), name)) for name in Settings.model_fields}


def test_the_file_of_the_project_states_every_default(tmp_path: Path) -> None:
    assert load_settings(HOME / "settings.toml", tmp_path / "none").model_dump() == Settings().model_dump()


def test_every_key_is_documented_in_the_file() -> None:
    text = (HOME / "settings.toml").read_text()
    written = tomllib.loads(text)
    for table, model in tables().items():
        part = re.split(rf"^\[{table}\]$", text, flags=re.M)[1].split("\n[")[0]
        for key in model.model_fields:
            assert key in written[table] or f"# {key}:" in part or f"# [{table}.{key}]" in part, f"{table}.{key}"


def test_the_environment_beats_env_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml, env = (
        "[digest]\nbatch_size = 2\nwindow_hours = 2\nmin_posts = 2\n",
        ("DIGEST_DIGEST__BATCH_SIZE=3\nDIGEST_DIGEST__WINDOW_HOURS=3\nTECH_TOKEN=x\n"),
    )
    monkeypatch.setenv("DIGEST_DIGEST__BATCH_SIZE", "4")
    digest = load(tmp_path, toml, env).digest
    assert (digest.batch_size, digest.window_hours, digest.min_posts) == (4, 3, 2)


@pytest.mark.parametrize(("value", "ids"), [("1,2", (1, 2)), ("[1, 2]", (1, 2)), ("7", (7,)), ("", ())])
def test_operators_are_written_as_people_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, ids: tuple[int, ...]
) -> None:
    monkeypatch.setenv("DIGEST_TELEGRAM__OPERATOR_IDS", value)
    assert load(tmp_path).telegram.operator_ids == ids


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        ("1087968824", "every anonymous administrator of a group"),
        ("136817688", "everybody who writes in the name of a channel"),
        ("777000", "Telegram itself"),
        ("-1001234567890", "a group or channel"),
        ("0", "a group or channel"),
    ],
)
def test_who_is_nobody_in_particular_cannot_be_an_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_id: str, reason: str
) -> None:
    monkeypatch.setenv("DIGEST_TELEGRAM__OPERATOR_IDS", f"7,{user_id}")
    with pytest.raises(BadSettings) as raised:
        load(tmp_path)
    assert (
        f"telegram.operator_ids in the environment (DIGEST_TELEGRAM__OPERATOR_IDS) cannot be used: {user_id} "
        in str(raised.value)
    )
    assert reason in str(raised.value)
    assert "name people by their own ids" in str(raised.value)


@pytest.mark.parametrize(
    ("toml", "env", "key"),
    [
        ("[telegram]\ncolour = 1\n", "", "telegram.colour"),
        ("[nonsense]\n", "", "nonsense"),
        ("", "DIGEST_LLM__COLOUR=1", "llm.colour"),
        ("", "DIGEST_NONSENSE__KEY=1", "DIGEST_NONSENSE__KEY"),
        ("[digest]\nbatch_size = 'many'\n", "", "digest.batch_size"),
        ("[digest]\nbatch_size = 11\n", "", "digest.batch_size"),
        ("[llm.fallback]\nmodel = ''\n", "", "llm.fallback.model"),
        ("[engine]\nmode = 'magic'\n", "", "engine.mode"),
        ("[engine\n", "", "not valid TOML"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(tmp_path: Path, toml: str, env: str, key: str) -> None:
    with pytest.raises(BadSettings) as raised:
        load(tmp_path, toml, env)
    assert key in str(raised.value)
    assert "\n" not in str(raised.value)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    names = ("TELEGRAM__ADMIN_TOKEN", "LLM__API_KEY", "SECURITY__SECRET_KEY")
    settings = load(tmp_path, env="".join(f"DIGEST_{name}={SECRET}\n" for name in names))
    assert settings.telegram.admin_token == SecretStr(SECRET)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())
    with pytest.raises(BadSettings) as raised:
        load(tmp_path, env=f"DIGEST_DIGEST__BATCH_SIZE={SECRET}\n")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("llm", "provider"),
    [
        ({}, "offline"),
        ({"api_key": "k"}, "openai"),
        ({"base_url": "http://127.0.0.1/v1"}, "openai"),
        ({"api_key": "k", "provider": "offline"}, "offline"),
        ({"provider": "openai"}, "openai"),
    ],
)
def test_auto_takes_openai_where_a_key_or_a_server_is_named(llm: dict[str, str], provider: str) -> None:
    assert Settings.model_validate({"llm": llm}).llm.chosen_provider == provider


def test_a_second_provider_has_the_keys_of_the_first(tmp_path: Path) -> None:
    toml = '[llm.fallback]\nmodel = "little-1"\nrequests_per_minute = 60\n'
    fallback = load(tmp_path, toml, "DIGEST_LLM__FALLBACK__API_KEY=sk-second\n").llm.fallback
    assert fallback is not None
    assert (fallback.model, fallback.requests_per_minute, fallback.chosen_provider) == ("little-1", 60, "openai")
    assert load(tmp_path).llm.fallback is None


def test_another_settings_file_can_be_named_in_env_once_for_all_commands(tmp_path: Path) -> None:
    (tmp_path / "production.toml").write_text("[digest]\nbatch_size = 2\n")
    (tmp_path / ".env").write_text(f"DIGEST_SETTINGS_FILE={tmp_path}/production.toml\n")
    assert load_settings(env_file=tmp_path / ".env").digest.batch_size == 2


def test_a_redis_url_with_tls_is_taken_as_both_libraries_read_it(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    url = f"rediss://digest:secret@redis.example.org:6380/0?ssl_cert_reqs=required&ssl_ca_certs={authority}"
    assert load(tmp_path, env=f"DIGEST_REDIS__URL={url}\n").redis.url == url


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ssl_ca_certs=/no/such/file.pem", "ssl_ca_certs names /no/such/file.pem, which is no file"),
        ("ssl_cert_reqs=CERT_REQUIRED", "ssl_cert_reqs is required, optional or none"),
        ("password=s3cret-word", "the password stands before the host, write rediss://:PASSWORD@HOST"),
    ],
)
def test_what_could_never_be_connected_to_is_refused_without_the_password(
    tmp_path: Path, query: str, said: str
) -> None:
    with pytest.raises(BadSettings, match=re.escape(said)) as raised:
        load(tmp_path, env=f"DIGEST_REDIS__URL=rediss://digest:{SECRET}@redis.example.org/0?{query}\n")
    assert "redis.url" in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("size", [0, 1, 101])
def test_a_pool_has_room_for_a_reader_and_a_writer_at_least(tmp_path: Path, size: int) -> None:
    with pytest.raises(BadSettings, match=r"database\.pool_size"):
        load(tmp_path, f"[database]\npool_size = {size}\n")


@pytest.mark.parametrize(
    ("env", "line"),
    [
        (f'A=1\n\n# fine\nDIGEST_DATABASE__URL="{SECRET}\nDIGEST_LLM__MODEL=x\n', 4),
        (f'DIGEST_LLM__API_KEY="{SECRET}\n# a "remark"\n', 1),
        (f'DIGEST_LLM__API_KEY="{SECRET}\n# what ends with a "\n', 1),
        (f"\n\nCITY_TOKEN {SECRET}\n", 3),
        (f"A={SECRET}\r\n\r\ndigest_database__url\r\n", 3),
        ("export DIGEST_DATABASE__URL\n", 1),
    ],
)
def test_a_broken_line_of_env_is_refused_and_not_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], env: str, line: int
) -> None:
    with pytest.raises(BadSettings) as raised:
        load(tmp_path, env=env)
    sentence = f"{tmp_path / '.env'}, line {line}, cannot be read: is a quote or a “=” missing?"
    assert str(raised.value) == sentence
    usable = usable_settings(tmp_path / ".env")
    assert (usable.wrong, sorted(usable.unknown)) == ((sentence,), ["database", "redis"])
    assert capfd.readouterr() == ("", "")


def test_blank_lines_remarks_and_values_of_others_in_env_are_fine(tmp_path: Path) -> None:
    others = 'export PATH\nCERTIFICATE="two\nlines"\nEMPTY=\n'
    env = f"\n  \n# it's a remark\n{others}DIGEST_LLM__MODEL='a b' # fine\n\n"
    assert load(tmp_path, env=env).llm.model == "a b"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_env_as_windows_editors_save_it(tmp_path: Path, encoding: str) -> None:
    load(tmp_path)
    (tmp_path / ".env").write_bytes("DIGEST_LLM__MODEL=é\r\nDIGEST_DIGEST__BATCH_SIZE=3\r\n".encode(encoding))
    settings = load_settings(tmp_path / "settings.toml", tmp_path / ".env")
    assert (settings.llm.model, settings.digest.batch_size) == ("é", 3)
    assert usable_settings(tmp_path / ".env").settings.llm.model == "é"


@pytest.mark.parametrize("written", ["A=1\n".encode("utf-16"), "A=1\n".encode("utf-16-le"), b"A=\xff\xfe\x93\n"])
def test_env_that_is_not_utf_8_is_one_sentence(tmp_path: Path, written: bytes) -> None:
    (tmp_path / ".env").write_bytes(written)
    sentence = f"{tmp_path / '.env'} is not UTF-8 text: save it as UTF-8."
    with pytest.raises(BadSettings, match=re.escape(sentence)):
        load_settings(env_file=tmp_path / ".env")
    assert usable_settings(tmp_path / ".env").wrong == (sentence,)


def test_env_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=f"{re.escape(str(tmp_path))} cannot be read: Is a directory"):
        load_settings(env_file=tmp_path)


def test_a_wrong_id_in_a_list_is_told_with_the_variable_of_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_TELEGRAM__OPERATOR_IDS", "7,abc")
    with pytest.raises(BadSettings, match=r"telegram\.operator_ids in the environment \(DIGEST_TELEGRAM__OPERATOR_IDS"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("llm", "lacks"),
    [
        ({"provider": "openai"}, True),
        ({"provider": "openai", "api_key": " "}, True),
        ({"provider": "openai", "api_key": "k"}, False),
        ({"provider": "openai", "base_url": "http://127.0.0.1/v1"}, False),
        ({}, False),
    ],
)
def test_openai_needs_a_key_and_a_server_of_ones_own_may_not(llm: dict[str, str], lacks: bool) -> None:
    assert Settings.model_validate({"llm": llm}).llm.lacks_key is lacks
