"""An OpenAI-compatible model server on localhost, for tests, benchmarks and for trying the workers by hand.

In a test: `async with ModelServer() as server:` and let a client talk to `server.base_url`. By hand:

    python -m tests.servers.model_server --port 8080 --latency 0.8

then set DIGEST_LLM__BASE_URL=http://127.0.0.1:8080/v1. GET /control/calls[?since=UNIX_TIME] lists what was asked, and
DELETE /control/calls forgets it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .model_answers import Kind, Question, good_answers, read_question
from .model_faults import Behaviour, Override, SomeFail, error


@dataclass(slots=True)
class Call:
    """One request. Its times are Unix time; of the headers it has only which ones were there, never a key."""

    number: int
    started_at: float
    kind: Kind
    posts: Mapping[str, str]
    body: Mapping[str, Any]
    has_key: bool
    header_names: tuple[str, ...]
    client_port: int
    status: int = 0
    ended_at: float | None = None


class ModelServer:
    """Answers every question well, after `latency_s`, unless `fail_next` or `behaviour` say otherwise."""

    def __init__(self, latency_s: float = 0.0, port: int = 0) -> None:
        self.latency_s = latency_s
        self.behaviour: Behaviour | None = None
        self.reports_usage = True
        self.calls: list[Call] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.base_url = ""
        self._port = port
        self._failures: list[Override] = []
        self._cached: set[str] = set()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def fail_next(self, count: int, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer the next requests with an HTTP error."""
        self._failures += [error(status, "told to fail", headers=headers)] * count

    def calls_started_after(self, moment: float) -> list[Call]:
        """The calls that began after a moment, in Unix time."""
        return [call for call in self.calls if call.started_at > moment]

    async def start(self) -> None:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._completion)
        application.router.add_get("/v1/models", self._models)
        application.router.add_get("/control/calls", self._control_calls)
        application.router.add_delete("/control/calls", self._control_forget)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        question = read_question(await request.json())
        call = self._recorded(request, question)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            override = self._override(question)
            await self._closed_within(self.latency_s)
            if override.hang:
                await self._closing.wait()
            if override.reset and request.transport is not None:
                request.transport.abort()
            call.status = override.status
            return await self._answered(request, question, override)
        finally:
            call.ended_at = time.time()
            self.in_flight -= 1

    def _recorded(self, request: web.Request, question: Question) -> Call:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        call = Call(
            number=len(self.calls) + 1,
            started_at=time.time(),
            kind=question.kind,
            posts=question.posts,
            body=question.body,
            has_key=request.headers.get("Authorization", "").startswith("Bearer "),
            header_names=tuple(sorted(name.lower() for name in request.headers)),
            client_port=peer[1] if peer else 0,
        )
        self.calls.append(call)
        return call

    def _override(self, question: Question) -> Override:
        if self._failures:
            return self._failures.pop(0)
        return (self.behaviour(question) if self.behaviour else None) or Override()

    async def _answered(self, request: web.Request, question: Question, override: Override) -> web.StreamResponse:
        body = self._body(question, override) if override.raw is None else override.raw
        if not override.drip_s:
            headers = {"Content-Type": override.content_type, **override.headers}
            return web.Response(status=override.status, body=body, headers=headers)
        response = web.StreamResponse(status=override.status, headers={"Content-Type": override.content_type})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for byte in body:
                await response.write(bytes([byte]))
                if await self._closed_within(override.drip_s):
                    break
        return response

    def _body(self, question: Question, override: Override) -> bytes:
        answers = good_answers(question)
        changed = override.change(answers) if override.change else answers
        text = changed if isinstance(changed, str) else json.dumps(changed, ensure_ascii=False)
        content = text if override.content is None else override.content
        message = {"role": "assistant", "content": content, "refusal": None, **override.message}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None, **override.choice}
        envelope: dict[str, Any] = {
            "id": f"chatcmpl-{len(self.calls)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": question.body["model"],
            "choices": [choice],
        }
        if self.reports_usage:
            envelope["usage"] = self._usage(question, content)
        return json.dumps({**envelope, **override.envelope}, ensure_ascii=False).encode()

    def _usage(self, question: Question, content: str) -> dict[str, Any]:
        """Counted in a plain way: four characters a token; the system message is cached from its second use on."""
        prompt, completion = (len(question.system) + len(question.user)) // 4, len(content) // 4
        cached = len(question.system) // 4 if question.system in self._cached else 0
        self._cached.add(question.system)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
        }

    async def _closed_within(self, seconds: float) -> bool:
        """Wait, but not longer than this server lives."""
        if not seconds:
            return self._closing.is_set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return self._closing.is_set()

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "test-model", "object": "model"}]})

    async def _control_calls(self, request: web.Request) -> web.Response:
        calls = self.calls_started_after(float(request.query.get("since", 0)))
        return web.json_response({"count": len(calls), "calls": [asdict(call) for call in calls]})

    async def _control_forget(self, request: web.Request) -> web.Response:
        self.calls.clear()
        return web.Response(status=204)


async def _serve(port: int, latency_s: float, failing: float) -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with ModelServer(latency_s, port) as server:
        server.behaviour = SomeFail(failing)
        print(f"Model server at {server.base_url}", flush=True)  # noqa: T201 - it is a command
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--failing", type=float, default=0.0, metavar="SHARE", help="of the calls that fail, as 0.01")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.latency, arguments.failing))
