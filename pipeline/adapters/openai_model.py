"""A model behind any OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from pipeline.adapters.openai_dialect import AnswerFormat, Dialect
from pipeline.adapters.openai_errors import complaint, translated
from pipeline.adapters.openai_reply import Reply, read_reply
from pipeline.errors import BatchRefused, ForPeople, Retryable
from pipeline.ports import Answer, Brief, PostText, Usage
from pipeline.stages.answers import parse_summaries, parse_verdicts
from pipeline.stages.prompting import PROBE, Prompt, categorization_prompt, summarization_prompt
from storage.records import Summary, Verdict

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT_S = 10.0
NO_KEY = "none"  # the SDK wants one, servers of one's own do not

T = TypeVar("T")


class OpenAIModel:
    """One client, one set of connections and one memory of what the server refuses, for the life of the process.

    Belongs to the event loop it is first used on. A call is one request; only where a server refuses a parameter is the
    same question sent again without it, once in the life of the process.
    """

    provider = "openai"

    def __init__(self, *, api_key: str, base_url: str | None, model: str, timeout_s: float) -> None:
        self._api_key = SecretStr(api_key.strip() or NO_KEY)
        self._base_url = base_url or OPENAI_URL
        self._model = model
        self._timeout_s = timeout_s
        self._dialect = Dialect()
        self._client: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        return self._model

    async def categorize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Verdict]:
        prompt = categorization_prompt(brief, posts)
        reply = await self._complete(prompt)
        return _answer(reply, *parse_verdicts(reply.content, prompt.keys, brief.categories))

    async def summarize(self, brief: Brief, posts: Sequence[PostText]) -> Answer[Summary]:
        prompt = summarization_prompt(brief, posts)
        reply = await self._complete(prompt)
        return _answer(reply, *parse_summaries(reply.content, prompt.keys))

    async def probe(self) -> Usage:
        return (await self._complete(PROBE)).usage

    async def close(self) -> None:
        """Close the connections. The next call would open new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _complete(self, prompt: Prompt) -> Reply:
        client = await self._connected()
        try:
            # The SDK's own time-outs are per read: a server that drips would never end.
            async with asyncio.timeout(self._timeout_s):
                body = await self._ask(client, prompt)
        except TimeoutError:
            raise Retryable(f"no answer within {self._timeout_s:g} s") from None
        return read_reply(body, prompt.tokens, self._model)

    async def _ask(self, client: AsyncOpenAI, prompt: Prompt) -> bytes:
        """The body of a 200, asked for in the richest dialect that the server has not refused."""
        from openai import BadRequestError, OpenAIError, UnprocessableEntityError

        while True:
            dialect = self._dialect
            try:
                return await self._post(client, prompt, dialect)
            except OpenAIError as error:
                simpler = None
                if isinstance(error, BadRequestError | UnprocessableEntityError):
                    simpler = dialect.without_refused(complaint(error.body))
                if simpler is None:
                    raise translated(error, self._model) from None
            self._dialect = self._dialect.common(simpler)

    async def _post(self, client: AsyncOpenAI, prompt: Prompt, dialect: Dialect) -> bytes:
        from httpx2 import Response

        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        }
        if dialect.has_temperature:
            body["temperature"] = 0
        if response_format := _response_format(prompt, dialect.answer_format):
            body["response_format"] = response_format
        # Not `chat.completions.create`: for each call it spends a millisecond on looking for names that are to be
        # changed, and it gives a text for HTML, None for no choices, and raises for a cut body.
        return (await client.post("/chat/completions", cast_to=Response, body=body)).content

    async def _connected(self) -> AsyncOpenAI:
        key = self._api_key.get_secret_value()
        if not (key.isascii() and key.isprintable()):
            # It cannot even be sent, and the HTTP client's complaint would quote it.
            raise ForPeople("model.key_refused", status=401, model=self._model)
        if self._client is None:
            # Half a second of imports that must not stop the loop.
            await asyncio.to_thread(import_module, "openai.resources.chat.completions")
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def _new_client(self) -> AsyncOpenAI:
        from httpx2 import InvalidURL
        from openai import AsyncOpenAI, Timeout

        try:
            return AsyncOpenAI(
                api_key=self._api_key.get_secret_value(),
                base_url=self._base_url,
                timeout=Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
                max_retries=0,
            )
        except InvalidURL:
            raise ForPeople("model.bad_address", model=self._model) from None


def _response_format(prompt: Prompt, answer_format: AnswerFormat) -> Any:
    if not prompt.schema:
        return None
    if answer_format is AnswerFormat.JSON_SCHEMA:
        schema = {"name": prompt.name, "strict": True, "schema": prompt.schema}
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if answer_format is AnswerFormat.JSON_OBJECT else None


def _answer(reply: Reply, items: Mapping[str, T], problems: Mapping[str, str]) -> Answer[T]:
    """Raises:
    BatchRefused: the answer was cut off before its first good item.
    """
    if reply.is_cut and not items:
        raise BatchRefused("the answer was cut off", reply.usage)
    return Answer(items, problems, reply.usage)
