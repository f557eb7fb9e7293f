"""Stands between the SDK's authentication and MCP: reads each message, and decides before any of it runs.

The SDK checks scopes for a whole server. Here each tool has its own, and a missing one is answered with HTTP 403 and a
challenge, on which clients log in again. Inside a tool it would be too late for that: the answer has begun.
"""

import asyncio
import json
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from decision_log import record
from issuer_keys import IssuerUnavailable
from resource_metadata import ResourceMetadata
from user_limits import UserLimits

MAX_BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 20


class AccessGate:
    def __init__(
        self,
        app: ASGIApp,
        *,
        metadata: ResourceMetadata,
        scopes_of_tools: dict[str, str],
        first_scopes: list[str],
        limits: UserLimits,
    ) -> None:
        self._app = app
        self._metadata = metadata
        self._scopes_of_tools = scopes_of_tools
        self._first_scopes = first_scopes
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != self._metadata.path:
            return await self._app(scope, receive, send)
        scope = {**scope, "path": self._metadata.path}
        try:
            receive = await self._admit(scope, receive)
        except Denied as denied:
            return await denied.response(scope, receive, send)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """Gives the message for the application to read. Raises Denied."""
        if len(Headers(scope=scope).getlist("authorization")) > 1:
            raise Denied(400, {"error": "invalid_request", "error_description": "Send one Authorization header."})
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            raise self._unauthenticated(scope)
        token = user.access_token
        facts = {"issuer": (token.claims or {}).get("iss"), "subject": token.subject, "client": token.client_id}

        wait = self._limits.seconds_to_wait((facts["issuer"], token.subject))
        if wait > 0:
            record("denied", status=429, reason="too many calls", **facts)
            body = {"error": "too_many_requests", "error_description": f"Come back in {wait} s."}
            raise Denied(429, body, {"Retry-After": str(wait)})
        if scope["method"] != "POST":  # The SDK would hold a stream open that never says anything.
            raise Denied(405, {"error": "invalid_request", "error_description": "Send messages by POST."}, {"Allow": "POST"})

        message = _parse(await _read_body(receive))
        needed = self._needed_scope(message)
        if needed is not None and needed not in token.scopes:
            record("denied", status=403, reason="missing scope", scope=needed, **facts)
            description = f"Token missing required scope: {needed}"
            challenge = self._challenge(needed, error="insufficient_scope", error_description=description)
            body = {"error": "insufficient_scope", "error_description": description, "scope": needed}
            raise Denied(403, body, {"WWW-Authenticate": challenge})
        record("allowed", method=_method_of(message), tool=_tool_of(message), **facts)
        return _replay(message, scope, receive)

    def _needed_scope(self, message: dict[str, Any]) -> str | None:
        """Everything but a call of a tool needs a valid token only: this server has tools and nothing else.

        A tool that is not in the table does not exist, which the SDK says itself.
        """
        return self._scopes_of_tools.get(_tool_of(message) or "")

    def _unauthenticated(self, scope: Scope) -> "Denied":
        presented = Headers(scope=scope).get("authorization", "").lower().startswith("bearer ")
        if presented:  # The verifier has recorded why.
            description = "The access token is not valid here."
            challenge = self._challenge(error="invalid_token", error_description=description)
            return Denied(401, {"error": "invalid_token", "error_description": description}, {"WWW-Authenticate": challenge})
        record("denied", status=401, reason="no token", address=(scope.get("client") or ("unknown",))[0])
        body = {"error": "unauthorized", "error_description": "An access token is required."}
        return Denied(401, body, {"WWW-Authenticate": self._challenge()})

    def _challenge(self, scope: str | None = None, **error: str) -> str:
        asked = scope or " ".join(self._first_scopes)
        parameters = {**error, "scope": asked, "resource_metadata": self._metadata.url}
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


class AnswerWhenIssuerIsAway:
    """503, and never 401: nothing is known about the token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except IssuerUnavailable:
            record("denied", status=503, reason="the issuer gives no keys")
            body = {"error": "temporarily_unavailable", "error_description": "The issuer cannot be reached."}
            await Denied(503, body, {"Retry-After": "5"}).response(scope, receive, send)


class Denied(Exception):
    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.response = JSONResponse(body, status, {"Cache-Control": "no-store", **(headers or {})})


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                part = await receive()
                if part["type"] == "http.disconnect":
                    raise Denied(400, _error(-32600, "The request ended early."))
                body += part.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise Denied(413, _error(-32600, f"Send at most {MAX_BODY_BYTES} bytes."))
                if not part.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Denied(408, _error(-32600, "The body took too long.")) from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Denied(400, _error(-32700, "The body is not JSON.")) from None
    if not isinstance(message, dict):
        raise Denied(400, _error(-32600, "Send one message at a time."))
    return message


def _method_of(message: dict[str, Any]) -> str | None:
    method = message.get("method")
    return method if isinstance(method, str) else None


def _tool_of(message: dict[str, Any]) -> str | None:
    params = message.get("params")
    name = params.get("name") if _method_of(message) == "tools/call" and isinstance(params, dict) else None
    return name if isinstance(name, str) else None


def _replay(message: dict[str, Any], scope: Scope, receive: Receive) -> Receive:
    """What was judged is what runs: the application reads this message, whatever else another parser had seen in the body."""
    body = json.dumps(message).encode()
    MutableHeaders(scope=scope)["content-length"] = str(len(body))
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return parts.pop() if parts else await receive()

    return receive_again


def _error(code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
