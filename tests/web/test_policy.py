"""What a browser may fetch."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fusedream_sdk.web.policy import OwnOnly


def answers(kind: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": kind, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {}

    with ThreadPoolExecutor(1) as thread:  # a browser test before this one leaves a loop in its own
        thread.submit(lambda: asyncio.run(OwnOnly(app)({"type": "http"}, receive, send))).result()
    return sent


def test_every_answer_tells_the_browser_to_ask_nobody_else():
    start, body = answers("http.response.start")
    headers = dict(start["headers"])
    assert headers[b"x"] == b"y"
    assert headers[b"content-security-policy"].startswith(b"default-src 'self'")
    assert b"http:" not in headers[b"content-security-policy"]
    assert b"https:" not in headers[b"content-security-policy"]
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert "headers" not in body


def test_other_messages_pass_as_they_are():
    assert answers("websocket.accept")[0]["headers"] == [(b"x", b"y")]
