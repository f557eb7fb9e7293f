package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FilesRootTest {
    @TempDir
    private Path folder;

    private Path inside;
    private FilesRoot root;

    @BeforeEach
    void open() throws IOException {
        inside = Files.createDirectories(folder.resolve("root"));
        Files.createDirectory(inside.resolve("notes"));
        Files.writeString(folder.resolve("secret.txt"), "secret");
        Files.writeString(inside.resolve("notes/today.md"), "apples");
        Files.createSymbolicLink(inside.resolve("link.txt"), Path.of("../secret.txt"));
        Files.createSymbolicLink(inside.resolve("link"), Path.of("notes"));
        root = FilesRoot.open(inside);
    }

    @AfterEach
    void close() throws IOException {
        root.close();
    }

    @Test
    void readsWhatIsBelowTheRootAndNothingElse() throws Exception {
        assertEquals("apples", root.read("notes/today.md"));
        var absolute = folder.resolve("secret.txt").toString();
        for (var path : List.of(
                "../secret.txt", "notes/../../secret.txt", "./notes/today.md", "notes//today.md", "", "a\0b",
                absolute)) {
            assertFails("invalid_path", () -> root.read(path));
        }
        assertFails("symlink", () -> root.read("link.txt"));
        assertFails("symlink", () -> root.read("link/today.md"));
        assertFails("not_a_file", () -> root.read("notes"));
        assertFails("not_a_directory", () -> root.read("notes/today.md/more"));
        assertFails("not_found", () -> root.read("missing/today.md"));
    }

    @Test
    void writesNewFilesAndReplacesOldOnesButNeverThroughALink() throws Exception {
        assertTrue(root.write("notes/new.txt", bytes("one")));
        assertFalse(root.write("notes/new.txt", bytes("two")));
        assertEquals("two", root.read("notes/new.txt"));
        assertFails("symlink", () -> root.write("link.txt", bytes("x")));
        assertFails("symlink", () -> root.write("link/new.md", bytes("x")));
        assertFails("invalid_path", () -> root.write("../new.txt", bytes("x")));
        assertEquals("secret", Files.readString(folder.resolve("secret.txt")));
        assertEquals(List.of("new.txt", "today.md"), names("notes"));
    }

    @Test
    void whatOthersMayNotReadStaysSoWhenItIsReplaced() throws Exception {
        Files.setPosixFilePermissions(inside.resolve("notes/today.md"), PosixFilePermissions.fromString("rw-------"));
        root.write("notes/today.md", bytes("pears"));
        var permissions = Files.getPosixFilePermissions(inside.resolve("notes/today.md"));
        assertEquals("rw-------", PosixFilePermissions.toString(permissions));
    }

    @Test
    void listsNamesWithTheirKindAndLeavesOutWhatNoPathCanSay() throws Exception {
        Files.writeString(inside.resolve(".files-tmp-1"), "");
        Files.writeString(inside.resolve("line\nbreak"), "");
        assertEquals(
                List.of(
                        new FilesRoot.Entry("link", "symlink", null),
                        new FilesRoot.Entry("link.txt", "symlink", null),
                        new FilesRoot.Entry("notes", "directory", null)),
                root.list("").entries());
        assertEquals(List.of(new FilesRoot.Entry("today.md", "file", 6L)), root.list("notes").entries());
        assertEquals(root.list(""), root.list("."));
        assertFails("symlink", () -> root.list("link"));
        assertFails("not_a_directory", () -> root.list("notes/today.md"));
        assertFails("invalid_path", () -> root.list(".."));
    }

    @Test
    @Timeout(10)
    void aPipeHoldsNobodyUp() throws Exception {
        assertEquals(0, new ProcessBuilder("mkfifo", inside.resolve("pipe").toString()).start().waitFor());
        assertFails("not_a_file", () -> root.read("pipe"));
        assertFails("not_a_directory", () -> root.list("pipe"));
        assertFails("not_a_directory", () -> root.read("pipe/file"));
    }

    private List<String> names(String path) throws FileFailure {
        return root.list(path).entries().stream().map(FilesRoot.Entry::name).toList();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void assertFails(String code, Executable call) {
        assertEquals(code, assertThrows(FileFailure.class, call).code());
    }
}
