"""A files server over streamable HTTP, with the official SDK, that only takes tokens meant for it."""

import asyncio
import os
from urllib.parse import urlsplit

import httpx2
import uvicorn
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware

from access_gate import AccessGate, AnswerWhenIssuerIsAway
from confined_folder import ConfinedFolder
from file_tools import scopes_of_tools, tools_over
from issuer_keys import IssuerKeys
from resource_metadata import ResourceMetadata
from token_verifier import CasdoorTokens, JwtVerifier, StandardTokens, TokenKind, require_https
from user_limits import UserLimits

FIRST_SCOPES = ["files:list", "files:read"]  # Clients ask for files:write when they first need it.


def build_app(environment: dict[str, str]) -> Starlette:
    port = environment.get("PORT", "3000")
    resource = environment.get("MCP_SERVER_URL", f"http://127.0.0.1:{port}/mcp")
    kind = token_kind(environment)
    metadata = ResourceMetadata(resource, kind.issuer, scopes=sorted(set(scopes_of_tools.values())))
    http = httpx2.AsyncClient(timeout=5, follow_redirects=False)

    server = MCPServer(
        "files",
        version="1.0.0",
        tools=tools_over(ConfinedFolder(environment.get("FILES_ROOT", "."))),
        token_verifier=JwtVerifier(kind, resource, IssuerKeys(http, kind)),
        # The SDK's own metadata cannot name scopes without asking for all of them on every request: ours is served below.
        auth=AuthSettings(issuer_url=kind.issuer, resource_server_url=None),
        log_level="WARNING",
    )
    app = server.streamable_http_app(
        streamable_http_path=metadata.path,
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[urlsplit(resource).netloc, "127.0.0.1:*", "localhost:*"],
            allowed_origins=["http://127.0.0.1:*", "http://localhost:*"],
        ),
    )
    app.router.routes.extend(metadata.routes())
    # Outermost first. The SDK's middleware stands between these two: it reads the token and asks the verifier.
    app.user_middleware.insert(0, Middleware(AnswerWhenIssuerIsAway))
    app.user_middleware.append(
        Middleware(
            AccessGate,
            metadata=metadata,
            scopes_of_tools=scopes_of_tools,
            first_scopes=FIRST_SCOPES,
            limits=UserLimits(int(environment.get("CALLS_PER_MINUTE", "60"))),
        )
    )
    return app


def token_kind(environment: dict[str, str]) -> TokenKind:
    """Whose tokens are taken, and what they look like."""
    if "CASDOOR_URL" not in environment:
        return StandardTokens(require_https(environment.get("ISSUER", "http://127.0.0.1:8081")))
    try:
        application, client = environment["CASDOOR_APPLICATION"], environment["CASDOOR_ALLOW_CLIENT"]
    except KeyError as missing:
        raise SystemExit(f"{missing} is missing: tokens of every application of that Casdoor would be taken.") from None
    return CasdoorTokens(require_https(environment["CASDOOR_URL"]).rstrip("/"), application, client)


async def main() -> None:
    environment = dict(os.environ)
    host, port = environment.get("HOST", "127.0.0.1"), int(environment.get("PORT", "3000"))
    app = build_app(environment)
    print(f"MCP server listens on {host}, port {port}", flush=True)
    await uvicorn.Server(uvicorn.Config(app, host, port, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(main())
