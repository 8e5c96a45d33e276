"""Every setting: one frozen model per table of settings.toml, read once by whoever starts a process.

The environment (DIGEST_<TABLE>__<KEY>) wins over .env, which wins over settings.toml. Secrets are `SecretStr`, so that
no repr, log line or traceback shows them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

HOME = Path(__file__).resolve().parent
PREFIX = "DIGEST_"
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
HIDDEN = "•••"

_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):([^/\s]+)@")
_SECRET_NAME = re.compile(r"(TOKEN|KEY|PASSWORD|SECRET)$", re.IGNORECASE)
_PASSWORD_PARAMETER = re.compile(r"([?&]password=)[^&\s'\"]+")

Language = Literal["en", "ru"]


class BadSettings(Exception):
    """The settings cannot be used; the message is one sentence that names the key."""


def _ids(value: Any) -> Any:
    """Accept 1,2 and [1, 2] from the environment as well as a list from the file."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.strip("[] ").split(",") if part.strip())
    return value


# https://core.telegram.org/bots/api#message: who writes in a chat's name does so as one of the first two; the last
# forwards a channel's posts to its group.
NOBODY_IN_PARTICULAR = {
    1087968824: "every anonymous administrator of a group",
    136817688: "everybody who writes in the name of a channel",
    777000: "Telegram itself and every channel that is linked to a group",
}


def _people(ids: tuple[int, ...]) -> tuple[int, ...]:
    for user_id in ids:
        if user_id <= 0 or user_id in NOBODY_IN_PARTICULAR:
            raise PydanticCustomError(
                "nobody_in_particular",
                "{user_id} stands for {who}, name people by their own ids",
                {"user_id": user_id, "who": NOBODY_IN_PARTICULAR.get(user_id, "a group or channel")},
            )
    return ids


def without_passwords(text: str) -> str:
    """A text with the passwords in its URLs hidden."""
    return _PASSWORD_PARAMETER.sub(rf"\1{HIDDEN}", _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", text))


Url = Annotated[str, PlainSerializer(without_passwords)]  # it may hold a password


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TelegramSettings(Table):
    admin_token: SecretStr | None = None
    operator_ids: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_ids), AfterValidator(_people)] = ()
    api_url: str = "https://api.telegram.org"
    language: Language = "en"


class DatabaseSettings(Table):
    url: Url = Field("sqlite:///var/digest.db", repr=False)
    pool_size: int = Field(10, ge=2, le=100)


def _redis_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("redis", "rediss", "redis+socket") and parts.port != 0
    except ValueError:  # the port is no number
        is_good = False
    if not is_good:
        raise PydanticCustomError("redis_url", "it is no Redis URL, write redis://127.0.0.1:6379/0")
    if parts.hostname and "password" in dict(parse_qsl(parts.query)):  # redis-py takes it from there, Kombu does not
        form = {"scheme": parts.scheme}
        raise PydanticCustomError(
            "redis_password", "the password stands before the host, write {scheme}://:PASSWORD@HOST", form
        )
    _check_tls(parts.query)
    return url


def _check_tls(query: str) -> None:
    """As both libraries that talk to Redis read it; a file that is not there would be looked for again and again."""
    wanted = dict(parse_qsl(query))
    if wanted.get("ssl_cert_reqs", "required") not in ("required", "optional", "none"):
        raise PydanticCustomError("redis_tls", "ssl_cert_reqs is required, optional or none")
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"):
        if name in wanted and not Path(wanted[name]).is_file():
            named = {"name": name, "file": wanted[name]}
            raise PydanticCustomError("redis_tls", "{name} names {file}, which is no file", named)


class RedisSettings(Table):
    url: Annotated[Url, AfterValidator(_redis_url)] = Field(DEFAULT_REDIS_URL, repr=False)


class EngineSettings(Table):
    mode: Literal["celery", "local"] = "celery"
    fallback: bool = True


class ProviderSettings(Table):
    provider: Literal["auto", "openai", "offline"] = "auto"
    base_url: str = ""
    api_key: SecretStr | None = None
    model: str = Field("gpt-4.1-mini", min_length=1)
    timeout_s: float = Field(60.0, gt=0)
    max_concurrency: int = Field(32, ge=1)
    requests_per_minute: int = Field(0, ge=0)
    tokens_per_minute: int = Field(0, ge=0)
    input_price_per_million: float = Field(0.0, ge=0)
    cached_input_price_per_million: float | None = Field(None, ge=0)
    output_price_per_million: float = Field(0.0, ge=0)

    @property
    def chosen_provider(self) -> Literal["openai", "offline"]:
        """The provider that "auto" stands for: openai where a key or a server is named, else offline."""
        if self.provider != "auto":
            return self.provider
        return "openai" if self._has_key or self.base_url else "offline"

    @property
    def lacks_key(self) -> bool:
        """Whether OpenAI itself would be asked without a key; a server of one's own may need none."""
        return self.chosen_provider == "openai" and not self._has_key and not self.base_url

    @property
    def _has_key(self) -> bool:
        return self.api_key is not None and self.api_key.get_secret_value().strip() != ""


class LlmSettings(ProviderSettings):
    fallback: ProviderSettings | None = None


class DigestSettings(Table):
    batch_size: int = Field(5, ge=1, le=10)
    max_batch_tokens: int = Field(6000, ge=200)
    window_hours: int = Field(24, ge=1)
    approval: bool = False
    min_posts: int = Field(1, ge=0)
    quiet_day: Literal["skip", "shorten", "say"] = "skip"


class DeliverySettings(Table):
    messages_per_second: int = Field(25, ge=1)
    per_chat_interval_s: float = Field(1.0, ge=0)


class SecuritySettings(Table):
    secret_key: SecretStr | None = None


class MetricsSettings(Table):
    port: int = Field(0, ge=0, le=65535)
    host: str = Field("127.0.0.1", min_length=1)


class LoggingSettings(Table):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class Settings(BaseSettings):
    """All tables. Built by `load_settings`, which turns a validation error into one sentence."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        dotenv_filtering="only_existing",
    )

    telegram: TelegramSettings = TelegramSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    engine: EngineSettings = EngineSettings()
    llm: LlmSettings = LlmSettings()
    digest: DigestSettings = DigestSettings()
    delivery: DeliverySettings = DeliverySettings()
    security: SecuritySettings = SecuritySettings()
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, cls.model_config.get("toml_file"))
        return init_settings, env_settings, dotenv_settings, toml


def settings_path(env_file: Path = HOME / ".env") -> Path:
    """The settings file: DIGEST_SETTINGS_FILE of the environment or .env, else settings.toml beside this module."""
    return Path(environment_value(PREFIX + "SETTINGS_FILE", env_file) or HOME / "settings.toml")


def load_settings(path: Path | None = None, env_file: Path = HOME / ".env") -> Settings:
    """Read all settings.

    Raises:
        BadSettings: a key is unknown, has the wrong type or is out of range, or a file cannot be read.
    """
    path = path or settings_path(env_file)
    if not path.is_file():
        raise BadSettings(no_file_sentence(path))
    refuse_unknown_tables({**read_env(env_file), **os.environ})

    class FromFiles(Settings):
        model_config = SettingsConfigDict(toml_file=path, env_file=env_file, env_file_encoding="utf-8-sig")

    try:
        return FromFiles()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadSettings(wrong_setting_sentence(first, path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not valid TOML: {error}.") from None
    except SettingsError as error:
        raise BadSettings(f"A setting in the environment cannot be read: {error}.") from None


def metrics_folder() -> Path:
    """Where this host's processes keep what they count: DIGEST_METRICS_DIR, else var/metrics beside this module."""
    return Path(environment_value(PREFIX + "METRICS_DIR") or HOME / "var" / "metrics")


def environment_value(name: str, env_file: Path = HOME / ".env") -> str | None:
    """A variable that is not a setting, such as a public bot's token: from the environment, else from .env."""
    return os.environ.get(name) or read_env(env_file).get(name) or None


def read_env(env_file: Path) -> dict[str, str | None]:
    """What .env sets: nothing where there is none.

    Raises:
        BadSettings: it cannot be read, or a line of it cannot; the line, which may hold a secret, is not shown.
    """
    try:
        text = env_file.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise BadSettings(f"{env_file} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise BadSettings(f"{env_file} cannot be read: {error.strerror}.") from None
    if "\0" in text:  # UTF-16 without a mark
        raise BadSettings(f"{env_file} is not UTF-8 text: save it as UTF-8.")
    for binding in parse_stream(StringIO(text)):
        if _is_broken(binding):
            written = binding.original.string
            line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            raise BadSettings(f"{env_file}, line {line}, cannot be read: is a quote or a “=” missing?")
    return dotenv_values(stream=StringIO(text))


def _is_broken(binding: Binding) -> bool:
    """Of a setting also what python-dotenv lets pass: no value, or a value that runs on to a quote in a later line."""
    is_setting = binding.key is not None and binding.key.upper().startswith(PREFIX)
    return binding.error or (is_setting and (binding.value is None or "\n" in binding.original.string.strip()))


def holds_secrets(variables: Mapping[str, str | None]) -> bool:
    """Whether a token, a key or a password is among them."""
    return any(
        value and (_SECRET_NAME.search(name) or without_passwords(value) != value) for name, value in variables.items()
    )


def refuse_unknown_tables(variables: Mapping[str, str | None]) -> None:
    """Raises: BadSettings: a variable is to set something in a table that there is not."""
    for name in variables:
        table, delimiter, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and delimiter and table.lower() not in Settings.model_fields:
            raise BadSettings(f"Unknown setting {name}: there is no table [{table.lower()}] in settings.toml.")


def no_file_sentence(path: Path) -> str:
    return f"There is no settings file {path}: correct {PREFIX}SETTINGS_FILE or put settings.toml back."


def wrong_setting_sentence(first: ErrorDetails, path: Path) -> str:
    """What is wrong with a setting, and where it stands; never its value, which may be a secret."""
    names = [part for part in first["loc"] if isinstance(part, str)]  # the others count within a list
    key, variable = ".".join(names), PREFIX + "__".join(names).upper()
    place = f"in the environment ({variable})" if variable in os.environ else f"in {path.name} or .env"
    if first["type"] == "extra_forbidden":
        return f"Unknown setting {key} {place}: remove it or correct its name."
    return f"The setting {key} {place} cannot be used: {first['msg']}."
