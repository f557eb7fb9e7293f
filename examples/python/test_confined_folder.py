import os
import tempfile
import unittest
from pathlib import Path

from confined_folder import MAX_BYTES, ConfinedFolder, FolderError


class ConfinedFolderTest(unittest.TestCase):
    def setUp(self) -> None:
        outside = tempfile.TemporaryDirectory()
        self.addCleanup(outside.cleanup)
        self.outside = Path(outside.name)
        self.top = self.outside / "top"
        (self.top / "plans").mkdir(parents=True)
        (self.outside / "private").mkdir()
        for path in ("private/a.txt", "top/a.txt", "top/plans/a.txt"):
            (self.outside / path).write_text(path)
        (self.top / "out").symlink_to("../private")
        (self.top / "alias").symlink_to("a.txt")
        os.mkfifo(self.top / "pipe")
        self.folder = ConfinedFolder(str(self.top))

    def test_reads_writes_and_lists_below_the_folder(self) -> None:
        self.assertEqual(self.folder.read("a.txt"), "top/a.txt")
        self.assertEqual(self.folder.read("./plans/a.txt"), "top/plans/a.txt")
        for content in ("one", "two"):
            self.folder.write("plans/b.txt", content)
        self.assertEqual((self.top / "plans/b.txt").read_text(), "two")
        self.assertEqual(self.folder.entries("plans"), ["a.txt", "b.txt"])
        self.assertEqual(self.folder.entries("."), ["a.txt", "alias", "out", "pipe", "plans/"])

    def test_nothing_leads_out(self) -> None:
        for path in ("..", "../private/a.txt", "/etc/passwd", "out/a.txt", "alias", "pipe", "a.txt/", "a\0", "", "."):
            with self.subTest(path), self.assertRaises(FolderError):
                self.folder.read(path)
            with self.subTest(path), self.assertRaises(FolderError):
                self.folder.write(path, "overwritten")
        self.assertEqual((self.outside / "private/a.txt").read_text(), "private/a.txt")
        self.assertEqual((self.top / "a.txt").read_text(), "top/a.txt")

    def test_goes_on_below_the_folder_that_was_opened_whatever_takes_its_name(self) -> None:
        self.top.rename(self.outside / "renamed")
        self.top.symlink_to("private")
        self.assertEqual(self.folder.read("a.txt"), "top/a.txt")

    def test_takes_no_more_than_a_megabyte_and_leaves_nothing_unfinished(self) -> None:
        self.folder.write("big.txt", "x" * MAX_BYTES)
        with self.assertRaises(FolderError):
            self.folder.write("big.txt", "x" * (MAX_BYTES + 1))
        (self.top / "big.txt").write_text("x" * (MAX_BYTES + 1))
        with self.assertRaises(FolderError):
            self.folder.read("big.txt")
        self.assertEqual([name for name in self.folder.entries(".") if name.endswith("unfinished")], [])

    def test_holds_no_descriptor_after_a_call(self) -> None:
        before = os.listdir("/proc/self/fd")
        for path in ("plans/a.txt", "out/a.txt", "missing/a.txt", "plans"):
            for use in (self.folder.read, self.folder.entries, lambda path: self.folder.write(path, "")):
                try:
                    use(path)
                except FolderError:
                    pass
        self.assertEqual(os.listdir("/proc/self/fd"), before)


if __name__ == "__main__":
    unittest.main()
