"""The server is asked as the gateway asks it, without HTTP but for one request."""

import json
import os
import tempfile
import threading
import unittest
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from server import TEMP_PREFIX, Folder, Handler, Tools


class FilesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.outside = Path(folder.name)
        self.root = self.outside / "root"
        (self.root / "notes").mkdir(parents=True)
        (self.outside / "secret.txt").write_text("secret")
        (self.root / "notes/today.md").write_text("äpfel\n", "utf-8")
        (self.root / "link.txt").symlink_to("../secret.txt")
        (self.root / "link").symlink_to("notes")
        os.mkfifo(self.root / "pipe")
        self.tools = Tools(Folder(str(self.root)))

    def call(self, name: str, **arguments: str) -> str:
        """The text of a result, or the name of its failure."""
        params = {"name": name, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        result = self.tools.answer(message)["result"]
        text = result["content"][0]["text"]
        return text.split(":")[0] if result["isError"] else text

    def test_reads_what_is_below_the_root_and_nothing_else(self) -> None:
        self.assertEqual(self.call("read_file", path="notes/today.md"), "äpfel\n")
        absolute = str(self.outside / "secret.txt")
        ways = ["../secret.txt", "notes/../../secret.txt", "./notes/today.md", "notes//today.md", "", "a\0b", "\ud800"]
        for path in [*ways, absolute]:
            self.assertEqual(self.call("read_file", path=path), "invalid_path", repr(path))
        self.assertEqual(self.call("read_file", path="link.txt"), "symlink")
        self.assertEqual(self.call("read_file", path="link/today.md"), "symlink")
        self.assertEqual(self.call("read_file", path="pipe"), "not_a_file")
        self.assertEqual(self.call("read_file", path="notes"), "not_a_file")
        self.assertEqual(self.call("read_file", path="notes/today.md/more"), "not_a_directory")
        self.assertEqual(self.call("read_file", path="missing/today.md"), "not_found")

    def test_writes_new_files_and_replaces_old_ones_but_never_through_a_link(self) -> None:
        (self.root / "notes/today.md").chmod(0o600)
        said = self.call("write_file", path="notes/today.md", content="pears")
        self.assertEqual(said, 'Wrote "notes/today.md": 5 bytes')
        self.assertEqual((self.root / "notes/today.md").stat().st_mode & 0o777, 0o600)
        said = self.call("write_file", path="notes/new.md", content="x")
        self.assertEqual(said, 'Created "notes/new.md": 1 bytes')
        self.assertEqual(self.call("write_file", path="link.txt", content="x"), "symlink")
        self.assertEqual(self.call("write_file", path="link/new.md", content="x"), "symlink")
        self.assertEqual(self.call("write_file", path="../new.txt", content="x"), "invalid_path")
        self.assertEqual((self.outside / "secret.txt").read_text(), "secret")
        self.assertEqual(sorted(os.listdir(self.root / "notes")), ["new.md", "today.md"])

    def test_lists_kinds_and_leaves_out_what_no_path_can_say(self) -> None:
        (self.root / "line\nbreak").write_text("")
        (self.root / f"{TEMP_PREFIX}1").write_text("")
        (self.root / os.fsdecode(b"\xff")).write_text("")
        listed = "link (symlink)\nlink.txt (symlink)\nnotes (directory)\npipe (other)"
        self.assertEqual(self.call("list_files", path="."), listed)
        self.assertEqual(self.call("list_files"), listed)
        self.assertEqual(self.call("list_files", path="notes"), "notes/today.md (file)")
        self.assertEqual(self.call("list_files", path="link"), "symlink")
        self.assertEqual(self.call("list_files", path="notes/today.md"), "not_a_directory")

    def test_leaves_no_descriptor_open(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for path in ["notes/today.md", "link/today.md", "missing/today.md", "pipe"] * 10:
            self.call("read_file", path=path)
            self.call("list_files", path=path)
            self.call("write_file", path=path, content="x")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class ProtocolTest(unittest.TestCase):
    def setUp(self) -> None:
        self.tools = Tools(Folder("."))

    def ask(self, method: str, **params: object) -> dict:
        return self.tools.answer({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    def test_speaks_the_version_of_the_client_if_it_knows_it(self) -> None:
        for asked, spoken in [("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25")]:
            answer = self.ask("initialize", protocolVersion=asked)
            self.assertEqual(answer["result"]["protocolVersion"], spoken)

    def test_says_what_is_wrong_in_the_codes_of_json_rpc(self) -> None:
        self.assertEqual(self.ask("resources/list")["error"]["code"], -32601)
        self.assertEqual(self.ask("tools/call", name="delete_all")["error"]["code"], -32602)
        self.assertEqual(self.ask("tools/call", name="read_file", arguments={"path": 1})["error"]["code"], -32602)
        self.assertEqual(self.tools.answer([])["error"]["code"], -32600)
        self.assertIsNone(self.tools.answer({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def test_answers_over_http(self) -> None:
        handler = type("TestHandler", (Handler,), {"tools": self.tools})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever).start()
            self.addCleanup(server.shutdown)
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
            with urlopen(Request(f"http://127.0.0.1:{server.server_port}/mcp", body)) as answer:
                names = [tool["name"] for tool in json.load(answer)["result"]["tools"]]
            self.assertEqual(names, ["read_file", "write_file", "list_files"])
            server.shutdown()


if __name__ == "__main__":
    unittest.main()
