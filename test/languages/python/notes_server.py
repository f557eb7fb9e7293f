"""A server of the official Python SDK that knows nothing of tokens: over stdio, or over HTTP on a port of loopback."""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("notes")
notes = {"monday": "water the plants"}


@server.tool()
def read_note(name: str) -> str:
    """Read a note."""
    return notes[name]


@server.tool()
def write_note(name: str, text: str) -> str:
    """Write a note."""
    notes[name] = text
    return f"wrote {name}"


@server.tool()
def purge() -> str:
    """Remove every note."""
    notes.clear()
    return "nothing is left"


if len(sys.argv) > 1:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    server.run("stdio")
