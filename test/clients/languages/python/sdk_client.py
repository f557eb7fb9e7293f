"""Logs in with the official Python SDK, uses tools, and prints a line for each thing that it met.

python sdk_client.py URL auto|legacy [CLIENT_ID ISSUER]

Registers, unless it is told the id that it has at the issuer.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken


class Wallet:
    """What a host keeps for one server."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Callbacks:
    """The page on this machine that the browser comes back to."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[AuthorizationCodeResult] = asyncio.Queue()

    async def start(self) -> str:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def next(self) -> AuthorizationCodeResult:
        return await self._answers.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        await self._answers.put(AuthorizationCodeResult(**{name: query.get(name) for name in ("code", "state", "iss")}))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def ask_for_browser(url: str) -> None:
    print("opens", url, flush=True)


def say(name: str, value: object) -> None:
    print(json.dumps({name: value}), flush=True)


async def main(url: str, mode: str, client_id: str | None = None, issuer: str | None = None) -> None:
    callbacks = Callbacks()
    metadata = OAuthClientMetadata(
        client_name="Python SDK",
        redirect_uris=[await callbacks.start()],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method="none",
    )
    wallet = Wallet()
    if client_id is not None:
        wallet.client = OAuthClientInformationFull(client_id=client_id, issuer=issuer, **metadata.model_dump())
    provider = OAuthClientProvider(
        url,
        metadata,
        wallet,
        redirect_handler=ask_for_browser,
        callback_handler=callbacks.next,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            say("revision", client.session.protocol_version)
            say("tools", [tool.name for tool in (await client.list_tools()).tools])
            for name, arguments in (
                ("read_file", {"path": "notes.txt"}),
                ("write_file", {"path": "by-python.txt", "content": "stepped up\n"}),
            ):
                result = await client.call_tool(name, arguments)
                say(name, {"text": result.content[0].text, "failed": result.is_error})


asyncio.run(main(*sys.argv[1:]))
