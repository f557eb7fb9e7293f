"""The tools, and the scope that each of them needs."""

from collections.abc import Callable
from typing import TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from confined_folder import ConfinedFolder, FolderError

# A tool that is missing here is not offered at all: see tools_over.
scopes_of_tools = {"read_file": "files:read", "write_file": "files:write", "list_files": "files:list"}


def tools_over(folder: ConfinedFolder) -> list[Tool]:
    def read_file(path: str) -> str:
        """Reads a text file. Paths go from the top of the folder, with "/": "plans/summer.md"."""
        return answer(lambda: folder.read(path))

    def write_file(path: str, content: str) -> str:
        """Writes a text file, in place of what was there. Its folder must exist."""
        answer(lambda: folder.write(path, content))
        return f"Wrote {path}."

    def list_files(path: str = ".") -> str:
        """Lists a folder; the names of folders end in "/"."""
        return answer(lambda: "\n".join(folder.entries(path)))

    reads = ToolAnnotations(read_only_hint=True)
    tools = [
        Tool.from_function(read_file, annotations=reads),
        Tool.from_function(write_file),
        Tool.from_function(list_files, annotations=reads),
    ]
    if unscoped := [tool.name for tool in tools if tool.name not in scopes_of_tools]:
        raise ValueError(f"Name the scope of {', '.join(unscoped)} in scopes_of_tools.")
    return tools


Result = TypeVar("Result")


def answer(work: Callable[[], Result]) -> Result:
    """What the folder refuses is an answer that the model can read; anything else is a fault of this server."""
    try:
        return work()
    except FolderError as error:
        raise ToolError(str(error)) from None
