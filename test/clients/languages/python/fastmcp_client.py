"""Logs in with FastMCP's client as it comes, uses a tool, and prints a line for each thing that it met.

BROWSER='echo opens %s' python fastmcp_client.py URL [CLIENT_ID ISSUER]

Registers, unless it is told the id that it has at the issuer.
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth


def say(name: str, value: object) -> None:
    print(json.dumps({name: value}), flush=True)


async def main(url: str, client_id: str | None = None, issuer: str | None = None) -> None:
    auth = "oauth" if client_id is None else OAuth(client_id=client_id, issuer=issuer)
    async with Client(url, auth=auth) as client:
        say("tools", [tool.name for tool in await client.list_tools()])
        for name, arguments in (
            ("read_file", {"path": "notes.txt"}),
            ("write_file", {"path": "by-fastmcp.txt", "content": "stepped up\n"}),
        ):
            result = await client.call_tool(name, arguments, raise_on_error=False)
            say(name, {"text": result.content[0].text, "failed": result.is_error})


asyncio.run(main(*sys.argv[1:]))
