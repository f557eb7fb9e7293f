"""An MCP server over HTTP, in plain Python: three tools over a directory.

It knows nothing of tokens, and whoever reaches it may do everything: it listens on loopback, behind `doorman gateway`.
"""

import errno
import json
import os
import secrets
import stat
import sys
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_READ_BYTES = 1_048_576
MAX_WRITE_BYTES = 1_048_576
MAX_BODY_BYTES = 67_108_864
MAX_ENTRIES = 1000
# Names of files that are not published yet. No caller can write such a name.
TEMP_PREFIX = ".files-tmp-"
# Without NONBLOCK a named pipe would hold the call until somebody writes.
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileFailure(Exception):
    """Why a call failed: a name that programs can decide by, and a sentence without any path of the host."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")


class RpcError(Exception):
    """An error of JSON-RPC."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Folder:
    """Files below one directory.

    A path is taken apart before any system call and walked one name at a time from an open directory, without following
    links. So no name on the way can be a symbolic link or lead upwards, whatever others do to the directory meanwhile.
    """

    def __init__(self, path: str) -> None:
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def read(self, path: str) -> str:
        """The text of a file."""
        with ExitStack() as opened:
            parent, name = self._walk(path, split(path), opened)
            file = open_at(parent, name, path, opened)
            require_file(os.fstat(file), path)
            with os.fdopen(os.dup(file), "rb") as stream:
                content = stream.read(MAX_READ_BYTES + 1)
        if len(content) > MAX_READ_BYTES:
            raise FileFailure("too_large", f'"{path}" has more than {MAX_READ_BYTES} bytes.')
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise FileFailure("not_text", f'"{path}" is not UTF-8 text.') from None

    def write(self, path: str, content: bytes) -> bool:
        """Writes a whole file at once: readers see the old content or the new one. Its directory must be there.

        Returns whether the file is new.
        """
        if len(content) > MAX_WRITE_BYTES:
            raise FileFailure("too_large", f"At most {MAX_WRITE_BYTES} bytes are written at once.")
        with ExitStack() as opened:
            parent, name = self._walk(path, split(path), opened)
            before = look(parent, name)
            if before is not None:
                require_file(before, path)
            mode = 0o644 if before is None else stat.S_IMODE(before.st_mode) & 0o777
            temp = TEMP_PREFIX + secrets.token_hex(8)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temp, flags, mode, dir_fd=parent), "wb") as file:
                opened.callback(remove_if_there, parent, temp)
                file.write(content)
            # A rename replaces a link that got there meanwhile, and does not follow it.
            os.rename(temp, name, src_dir_fd=parent, dst_dir_fd=parent)
            return before is None

    def entries(self, path: str) -> tuple[list[tuple[str, os.stat_result]], bool]:
        """Names with what is known of them, sorted, and whether there are more."""
        names = [] if path in ("", ".") else split(path)
        with ExitStack() as opened:
            parent, name = self._walk(path, [*names, "."], opened)
            directory = open_at(parent, name, path, opened)
            found = sorted(name for name in os.listdir(directory) if problem_of_name(name) is None)
            # What was deleted since its name was read is left out.
            seen = [(name, look(directory, name)) for name in found[:MAX_ENTRIES]]
            return [(name, facts) for name, facts in seen if facts is not None], len(found) > MAX_ENTRIES

    def _walk(self, path: str, names: list[str], opened: ExitStack) -> tuple[int, str]:
        """Opens the directory of the last name."""
        directory = self._root
        for name in names[:-1]:
            directory = open_at(directory, name, path, opened)
            if not stat.S_ISDIR(os.fstat(directory).st_mode):
                raise FileFailure("not_a_directory", f'"{path}" leads over something that is not a directory.')
        return directory, names[-1]


def open_at(parent: int, name: str, path: str, opened: ExitStack) -> int:
    try:
        descriptor = os.open(name, OPEN, dir_fd=parent)
    except OSError as error:
        raise explain(error, path) from None
    opened.callback(os.close, descriptor)
    return descriptor


def look(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def remove_if_there(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass


def require_file(facts: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise FileFailure("symlink", f'"{path}" leads over a symbolic link, and those are not followed.')
    if not stat.S_ISREG(facts.st_mode):
        raise FileFailure("not_a_file", f'"{path}" is not a file.')


def explain(error: OSError, path: str) -> FileFailure:
    """What the caller is told of an error of the system, whose own words name the place on the host."""
    if error.errno == errno.ENOENT:
        return FileFailure("not_found", f'"{path}" does not exist.')
    if error.errno == errno.ELOOP:
        return FileFailure("symlink", f'"{path}" leads over a symbolic link, and those are not followed.')
    return FileFailure("io_error", f'"{path}" could not be used.')


def split(path: str) -> list[str]:
    """Takes a path apart as the caller wrote it: nothing is trimmed, decoded or normalised."""
    names = path.split("/")
    problem = "is empty" if path == "" else "is absolute" if path.startswith("/") else None
    if len(names) > 64:
        problem = "has more than 64 components"
    problem = problem or next(filter(None, map(problem_of_name, names)), None)
    if problem is not None:
        advice = 'Give a path relative to the root, such as "notes/today.md".'
        raise FileFailure("invalid_path", f"The path {problem}. {advice}")
    return names


def problem_of_name(name: str) -> str | None:
    if name == "":
        return "has an empty component"
    if name in (".", ".."):
        return 'has "." or ".." as a component'
    if "\\" in name:
        return 'has a backslash; components are separated with "/"'
    # Surrogates stand for bytes that are no UTF-8, and for nothing in JSON.
    if any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 or 0xD800 <= ord(each) < 0xE000 for each in name):
        return "has a character that names cannot have"
    if len(name.encode()) > 255:
        return "has a component that is too long"
    return "uses a name that is reserved for the server" if name.startswith(TEMP_PREFIX) else None


VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26"]
PATH = {"type": "string", "description": 'Path relative to the root, for example "notes/today.md".'}
CONTENT = {"type": "string", "description": "The whole content of the file."}
TOOLS = {
    "read_file": ("Reads a text file of up to 1 MiB. Symbolic links are not followed.", {"path": PATH}, ["path"]),
    "write_file": (
        "Writes a whole text file of up to 1 MiB into a directory that exists. Replaces what is there.",
        {"path": PATH, "content": CONTENT},
        ["path", "content"],
    ),
    "list_files": (
        "Lists a directory, sorted by name. Symbolic links are shown and not followed.",
        {"path": {"type": "string", "description": 'Directory to list; "" is the root.'}},
        [],
    ),
}


class Tools:
    """MCP 2025-11-25 and before, without sessions."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def answer(self, message: object) -> dict | None:
        """The answer to a message, or None where there is none to give."""
        if not isinstance(message, dict):
            return error_answer(None, -32600, "Send one message; batches are not taken.")
        if "id" not in message or "method" not in message:
            return None
        try:
            result = self._result_of(message["method"], message.get("params", {}))
            return {"jsonrpc": "2.0", "id": message["id"], "result": result}
        except RpcError as error:
            return error_answer(message["id"], error.code, str(error))

    def _result_of(self, method: object, params: object) -> dict:
        if not isinstance(params, dict):
            raise RpcError(-32602, "Invalid params")
        match method:
            case "initialize":
                asked = params.get("protocolVersion")
                return {
                    "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "files", "version": "1.0.0"},
                }
            case "ping":
                return {}
            case "tools/list":
                return {"tools": [describe_tool(name, *tool) for name, tool in TOOLS.items()]}
            case "tools/call":
                return self._call(params.get("name"), params.get("arguments", {}))
        raise RpcError(-32601, "Method not found")

    def _call(self, name: object, arguments: object) -> dict:
        if not isinstance(name, str) or name not in TOOLS:
            raise RpcError(-32602, "Unknown tool")
        _, properties, required = TOOLS[name]
        good = (
            isinstance(arguments, dict)
            and set(required) <= arguments.keys() <= properties.keys()
            and all(isinstance(value, str) for value in arguments.values())
        )
        if not good:
            raise RpcError(-32602, "The arguments are not those of this tool")
        try:
            text, facts = getattr(self, f"_{name}")(**arguments)
        except FileFailure as failure:
            return {"content": [{"type": "text", "text": str(failure)}], "isError": True}
        except OSError:
            return {"content": [{"type": "text", "text": "io_error: The disk failed."}], "isError": True}
        return {"content": [{"type": "text", "text": text}], "structuredContent": facts, "isError": False}

    def _read_file(self, path: str) -> tuple[str, dict]:
        text = self._folder.read(path)
        return text, {"path": path, "size": len(text.encode()), "text": text}

    def _write_file(self, path: str, content: str) -> tuple[str, dict]:
        try:
            encoded = content.encode()
        except UnicodeEncodeError:
            raise FileFailure("invalid_arguments", "The content is not well-formed Unicode.") from None
        created = self._folder.write(path, encoded)
        text = f'{"Created" if created else "Wrote"} "{path}": {len(encoded)} bytes'
        return text, {"path": path, "size": len(encoded), "created": created}

    def _list_files(self, path: str = "") -> tuple[str, dict]:
        parent = "" if path in ("", ".") else f"{path}/"
        found, cut = self._folder.entries(path)
        entries = [describe_entry(parent + name, facts) for name, facts in found]
        lines = [f'{entry["path"]} ({entry["type"]})' for entry in entries]
        if cut:
            lines.append(f"[Only the first {MAX_ENTRIES} are shown.]")
        return "\n".join(lines) or "[The directory is empty.]", {"entries": entries}


def describe_tool(name: str, description: str, properties: dict, required: list[str]) -> dict:
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": required}
    return {"name": name, "description": description, "inputSchema": schema}


def describe_entry(path: str, facts: os.stat_result) -> dict:
    if stat.S_ISREG(facts.st_mode):
        return {"path": path, "type": "file", "size": facts.st_size}
    if stat.S_ISDIR(facts.st_mode):
        return {"path": path, "type": "directory"}
    return {"path": path, "type": "symlink" if stat.S_ISLNK(facts.st_mode) else "other"}


def error_answer(message_id: object, code: int, text: str) -> dict:
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": text}}


class Handler(BaseHTTPRequestHandler):
    """POST /mcp, and nothing else."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1  # Head and body in one piece, or the gateway waits for the second.
    tools: Tools

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if self.path != "/mcp" or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True  # The body is still to come.
            self._send(404 if self.path != "/mcp" else 413, None)
            return
        try:
            message = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            self._send(400, error_answer(None, -32700, "Parse error"))
            return
        answer = self.tools.answer(message)
        self._send(202 if answer is None else 200, answer)

    def do_GET(self) -> None:
        self._send(405 if self.path == "/mcp" else 404, None)

    do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """The records are those of the gateway."""

    def _send(self, status: int, document: dict | None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if document is not None:
            self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves until the process ends."""
    if len(sys.argv) != 3:
        sys.exit("Say where to listen and which directory to serve: python3 server.py PORT FOLDER")
    Handler.tools = Tools(Folder(sys.argv[2]))
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"http://127.0.0.1:{server.server_port}/mcp", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
