package example;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Files below one directory, reached through open directories.
 *
 * <p>A path is taken apart before any system call and walked one name at a time without following links. So no name on
 * the way can be a symbolic link or lead upwards, whatever others do to the directory meanwhile.
 */
final class FilesRoot implements AutoCloseable {
    /** Largest file that is read, in bytes. */
    static final int MAX_READ_BYTES = 1_048_576;
    /** Largest content that is written, in bytes. */
    static final int MAX_WRITE_BYTES = 5_242_880;
    /** Most entries of one listing. */
    static final int MAX_ENTRIES = 1000;

    private static final int MAX_COMPONENTS = 64;
    private static final int MAX_NAME_LENGTH = 255;
    /** Names of files that are not published yet. No caller can write such a name. */
    private static final String TEMP_PREFIX = ".files-tmp-";

    private static final Set<PosixFilePermission> NEW_FILE = PosixFilePermissions.fromString("rw-r--r--");

    private final SecureDirectoryStream<Path> root;

    /** An entry of a listing; {@code size} is in bytes, and null for what is not a file. */
    record Entry(String name, String kind, Long size) {}

    /** Sorted by name; {@code cut} if there are more than {@link #MAX_ENTRIES}. */
    record Listing(List<Entry> entries, boolean cut) {}

    private FilesRoot(SecureDirectoryStream<Path> root) {
        this.root = root;
    }

    /**
     * Opens the directory.
     *
     * @throws IOException if it cannot be opened
     * @throws UnsupportedOperationException where the system has no directories that are safe from races
     */
    static FilesRoot open(Path directory) throws IOException {
        var stream = Files.newDirectoryStream(directory);
        if (stream instanceof SecureDirectoryStream<Path> secure) {
            return new FilesRoot(secure);
        }
        stream.close();
        throw new UnsupportedOperationException("this system cannot open files below an open directory");
    }

    /** The text of a file. */
    String read(String path) throws FileFailure {
        return in(path, splitFilePath(path), (parent, name) -> {
            requireFile(attributes(parent, name), path);
            Set<OpenOption> options = Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
            byte[] bytes;
            try (var channel = parent.newByteChannel(name, options);
                    var stream = Channels.newInputStream(channel)) {
                bytes = stream.readNBytes(MAX_READ_BYTES + 1);
            }
            if (bytes.length > MAX_READ_BYTES) {
                throw new FileFailure("too_large", quote(path) + " has more than " + MAX_READ_BYTES + " bytes.");
            }
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException notText) {
                throw new FileFailure("not_text", quote(path) + " is not UTF-8 text.");
            }
        });
    }

    /**
     * Writes a whole file at once: readers see the old content or the new one. Its directory must be there.
     *
     * @return whether the file is new
     */
    boolean write(String path, byte[] content) throws FileFailure {
        var names = splitFilePath(path);
        if (content.length > MAX_WRITE_BYTES) {
            throw new FileFailure("too_large", "At most " + MAX_WRITE_BYTES + " bytes are written at once.");
        }
        return in(path, names, (parent, name) -> {
            try {
                var before = attributes(parent, name);
                requireFile(before, path);
                publish(parent, name, content, before.permissions());
                return false;
            } catch (NoSuchFileException missing) {
                publish(parent, name, content, NEW_FILE);
                return true;
            }
        });
    }

    /** The entries of a directory; of the root, if the path is empty or {@code .}. */
    Listing list(String path) throws FileFailure {
        var names = new ArrayList<String>(path.isEmpty() || path.equals(".") ? List.of() : split(path));
        names.add("."); // A stream of its own to read from: one can be read only once.
        return in(path, names, (parent, dot) -> {
            var found = new ArrayList<String>();
            try (var directory = parent.newDirectoryStream(dot, LinkOption.NOFOLLOW_LINKS)) {
                for (var entry : directory) {
                    var name = entry.getFileName().toString();
                    if (problemOfName(name) == null) {
                        found.add(name);
                    }
                }
            } catch (DirectoryIteratorException failed) {
                throw failed.getCause();
            }
            found.sort(null);
            var entries = new ArrayList<Entry>();
            for (var name : found.subList(0, Math.min(found.size(), MAX_ENTRIES))) {
                try {
                    entries.add(describe(name, attributes(parent, Path.of(name))));
                } catch (NoSuchFileException deletedMeanwhile) {
                    continue;
                }
            }
            return new Listing(List.copyOf(entries), found.size() > MAX_ENTRIES);
        });
    }

    @Override
    public void close() throws IOException {
        root.close();
    }

    private interface Work<T> {
        T on(SecureDirectoryStream<Path> parent, Path name) throws IOException, FileFailure;
    }

    /** Walks to the directory of the last name, and works there. */
    private <T> T in(String path, List<String> names, Work<T> work) throws FileFailure {
        var opened = new ArrayList<SecureDirectoryStream<Path>>();
        try {
            var directory = root;
            for (var name : names.subList(0, names.size() - 1)) {
                directory = enter(directory, Path.of(name), path);
                opened.add(directory);
            }
            return work.on(directory, Path.of(names.get(names.size() - 1)));
        } catch (NoSuchFileException missing) {
            throw new FileFailure("not_found", quote(path) + " does not exist.");
        } catch (InvalidPathException unspeakable) {
            throw invalid("The path has characters that file names cannot have here.");
        } catch (IOException failed) {
            throw new FileFailure("io_error", quote(path) + " could not be used.");
        } finally {
            for (var directory : opened) {
                closeQuietly(directory);
            }
        }
    }

    private static SecureDirectoryStream<Path> enter(SecureDirectoryStream<Path> from, Path name, String path)
            throws IOException, FileFailure {
        // Opening something else than a directory could wait for ever, as a pipe does.
        var attributes = attributes(from, name);
        if (attributes.isSymbolicLink()) {
            throw symlink(path);
        }
        if (!attributes.isDirectory()) {
            throw new FileFailure("not_a_directory", quote(path) + " leads over something that is not a directory.");
        }
        return from.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS);
    }

    /** Puts a finished file under its name. A rename replaces a link that got there meanwhile, not what it leads to. */
    private static void publish(
            SecureDirectoryStream<Path> parent, Path name, byte[] content, Set<PosixFilePermission> permissions)
            throws IOException {
        var temp = Path.of(TEMP_PREFIX + UUID.randomUUID());
        Set<OpenOption> options =
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        var mode = PosixFilePermissions.asFileAttribute(permissions);
        var published = false;
        try (SeekableByteChannel channel = parent.newByteChannel(temp, options, mode)) {
            var rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            parent.move(temp, parent, name);
            published = true;
        } finally {
            if (!published) {
                deleteQuietly(parent, temp);
            }
        }
    }

    private static PosixFileAttributes attributes(SecureDirectoryStream<Path> parent, Path name) throws IOException {
        return parent.getFileAttributeView(name, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes();
    }

    private static void requireFile(PosixFileAttributes attributes, String path) throws FileFailure {
        if (attributes.isSymbolicLink()) {
            throw symlink(path);
        }
        if (!attributes.isRegularFile()) {
            throw new FileFailure("not_a_file", quote(path) + " is not a file.");
        }
    }

    private static Entry describe(String name, PosixFileAttributes attributes) {
        if (attributes.isRegularFile()) {
            return new Entry(name, "file", attributes.size());
        }
        if (attributes.isSymbolicLink()) {
            return new Entry(name, "symlink", null);
        }
        return new Entry(name, attributes.isDirectory() ? "directory" : "other", null);
    }

    private static List<String> splitFilePath(String path) throws FileFailure {
        if (path.isEmpty()) {
            throw invalid("The path is empty.");
        }
        return split(path);
    }

    /** Takes a path apart as the caller wrote it: nothing is trimmed, decoded or normalised. */
    private static List<String> split(String path) throws FileFailure {
        if (path.startsWith("/")) {
            throw invalid("The path is absolute.");
        }
        var names = List.of(path.split("/", -1));
        if (names.size() > MAX_COMPONENTS) {
            throw invalid("The path has more than " + MAX_COMPONENTS + " components.");
        }
        for (var name : names) {
            var problem = problemOfName(name);
            if (problem != null) {
                throw invalid("The path " + problem + ".");
            }
        }
        return names;
    }

    private static String problemOfName(String name) {
        if (name.isEmpty()) {
            return "has an empty component";
        }
        if (name.equals(".") || name.equals("..")) {
            return "has \".\" or \"..\" as a component";
        }
        if (name.length() > MAX_NAME_LENGTH) {
            return "has a component that is too long";
        }
        if (name.indexOf('\\') >= 0) {
            return "has a backslash; components are separated with \"/\"";
        }
        // U+FFFD stands for what is no Unicode, and would not find the file again.
        if (name.codePoints().anyMatch(each -> Character.isISOControl(each) || each == 0xFFFD)) {
            return "has a character that file names cannot have here";
        }
        return name.startsWith(TEMP_PREFIX) ? "uses a name that is reserved for the server" : null;
    }

    private static FileFailure symlink(String path) {
        return new FileFailure(
                "symlink", quote(path) + " leads over a symbolic link, and those are not followed.");
    }

    private static FileFailure invalid(String problem) {
        return new FileFailure(
                "invalid_path", problem + " Give a path relative to the root, such as \"notes/today.md\".");
    }

    private static String quote(String path) {
        return '"' + path + '"'; // Without control characters, or it would have been refused.
    }

    private static void closeQuietly(SecureDirectoryStream<Path> directory) {
        try {
            directory.close();
        } catch (IOException ignored) {
            // The work is done; there is nothing more to do with it.
        }
    }

    private static void deleteQuietly(SecureDirectoryStream<Path> parent, Path temp) {
        try {
            parent.deleteFile(temp);
        } catch (IOException ignored) {
            // What is left has a name that no caller can see.
        }
    }
}
