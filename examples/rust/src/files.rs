//! Files below one directory, reached through descriptors.
//!
//! A path is taken apart before any system call and walked one name at a time with `O_NOFOLLOW`. So no name on the way
//! can be a symbolic link or lead upwards, whatever others do to the directory meanwhile.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Largest file that is read, in bytes.
pub const MAX_READ_BYTES: u64 = 1_048_576;
/// Largest content that is written, in bytes.
pub const MAX_WRITE_BYTES: usize = 5_242_880;
/// Most entries of one listing.
pub const MAX_ENTRIES: usize = 1000;
const MAX_COMPONENTS: usize = 64;
const MAX_NAME_BYTES: usize = 255;
/// Names of files that are not published yet. No caller can write such a name.
const TEMP_PREFIX: &str = ".files-tmp-";

/// Why a call failed: a name that programs can decide by, and a sentence without any path of the host.
#[derive(Debug, PartialEq)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    pub kind: &'static str,
    /// Bytes; of files only.
    pub size: Option<u64>,
}

pub struct Listing {
    /// Sorted by name.
    pub entries: Vec<Entry>,
    /// Whether there are more than `MAX_ENTRIES`.
    pub cut: bool,
}

/// The directory beyond which nothing is reached.
pub struct Root {
    directory: OwnedFd,
}

impl Root {
    pub fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).map(|directory| Self { directory })
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Result<String, Failure> {
        let (names, last) = split_file_path(path)?;
        let failed = |error| explain(error, path);
        let parent = self.walk(&names, Missing::Fail).map_err(failed)?;
        // Without NONBLOCK a named pipe would hold the call until somebody writes.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, last, flags, Mode::empty()).map_err(failed)?;
        require_file(&rustix::fs::fstat(&file).map_err(failed)?, path)?;

        let mut bytes = Vec::new();
        let read = std::fs::File::from(file).take(MAX_READ_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| explain(Errno::from_io_error(&error).unwrap_or(Errno::IO), path))?;
        if bytes.len() as u64 > MAX_READ_BYTES {
            return Err(fail("too_large", format!("{path:?} has more than {MAX_READ_BYTES} bytes.")));
        }
        String::from_utf8(bytes).map_err(|_| fail("not_text", format!("{path:?} is not UTF-8 text.")))
    }

    /// Writes a whole file at once: readers see the old content or the new one. Makes missing directories.
    ///
    /// Returns whether the file is new.
    pub fn write(&self, path: &str, content: &str) -> Result<bool, Failure> {
        let (names, last) = split_file_path(path)?;
        if content.len() > MAX_WRITE_BYTES {
            return Err(fail("too_large", format!("At most {MAX_WRITE_BYTES} bytes are written at once.")));
        }
        let failed = |error| explain(error, path);
        let parent = self.walk(&names, Missing::Make).map_err(failed)?;
        let before = match rustix::fs::statat(&parent, last, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(stat),
            Err(Errno::NOENT) => None,
            Err(error) => return Err(failed(error)),
        };
        if let Some(stat) = &before {
            require_file(stat, path)?;
        }
        publish(parent.as_fd(), last, content, before.as_ref()).map_err(failed)?;
        Ok(before.is_none())
    }

    /// The entries of a directory; of the root, if the path is empty or `.`.
    pub fn list(&self, path: &str) -> Result<Listing, Failure> {
        let names = if path.is_empty() || path == "." { Vec::new() } else { split_path(path)? };
        let failed = |error| explain(error, path);
        let directory = self.walk(&names, Missing::Fail).map_err(failed)?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&directory).map_err(failed)? {
            // A name that is not UTF-8 could not be said in an answer, nor sent back in a call.
            if let Ok(name) = entry.map_err(failed)?.file_name().to_str()
                && problem_of_name(name).is_none()
            {
                found.push(name.to_owned());
            }
        }
        found.sort_unstable();
        let cut = found.len() > MAX_ENTRIES;
        found.truncate(MAX_ENTRIES);
        // What was deleted since its name was read is left out.
        let entries = found.into_iter().filter_map(|name| describe(directory.as_fd(), name)).collect();
        Ok(Listing { entries, cut })
    }

    fn walk(&self, names: &[&str], missing: Missing) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory = rustix::fs::openat(&self.directory, ".", flags, Mode::empty())?;
        for &name in names {
            let mut next = rustix::fs::openat(&directory, name, flags, Mode::empty());
            if matches!(next, Err(Errno::NOENT)) && matches!(missing, Missing::Make) {
                match rustix::fs::mkdirat(&directory, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                next = rustix::fs::openat(&directory, name, flags, Mode::empty());
            }
            // Linux says ENOTDIR of a link where a directory is wanted; the caller is told that it is a link.
            if matches!(next, Err(Errno::NOTDIR))
                && let Ok(stat) = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)
                && file_type(&stat) == FileType::Symlink
            {
                return Err(Errno::LOOP);
            }
            directory = next?;
        }
        Ok(directory)
    }
}

#[derive(Clone, Copy)]
enum Missing {
    Fail,
    Make,
}

fn split_file_path(path: &str) -> Result<(Vec<&str>, &str), Failure> {
    let mut names = split_path(path)?;
    match names.pop() {
        Some(last) => Ok((names, last)),
        None => Err(invalid("The path is empty.")),
    }
}

/// Takes a path apart as the caller wrote it: nothing is trimmed, decoded or normalised.
fn split_path(path: &str) -> Result<Vec<&str>, Failure> {
    if path.starts_with('/') {
        return Err(invalid("The path is absolute."));
    }
    let names: Vec<&str> = path.split('/').collect();
    if names.len() > MAX_COMPONENTS {
        return Err(invalid(&format!("The path has more than {MAX_COMPONENTS} components.")));
    }
    match names.iter().find_map(|name| problem_of_name(name)) {
        Some(problem) => Err(invalid(&format!("The path {problem}."))),
        None => Ok(names),
    }
}

fn problem_of_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("has an empty component"),
        "." | ".." => Some("has \".\" or \"..\" as a component"),
        _ if name.len() > MAX_NAME_BYTES => Some("has a component that is too long"),
        _ if name.contains('\\') => Some("has a backslash; components are separated with \"/\""),
        _ if name.chars().any(char::is_control) => Some("has a control character"),
        _ if name.starts_with(TEMP_PREFIX) => Some("uses a name that is reserved for the server"),
        _ => None,
    }
}

/// Puts a finished file under its name. A rename replaces a link that got there meanwhile and does not follow it.
fn publish(parent: BorrowedFd<'_>, name: &str, content: &str, before: Option<&Stat>) -> Result<(), Errno> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temp = format!("{TEMP_PREFIX}{}-{number}", std::process::id());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(before.map_or(0o644, |stat| stat.st_mode & 0o777));
    let file = rustix::fs::openat(parent, temp.as_str(), flags, mode)?;
    let written = std::fs::File::from(file)
        .write_all(content.as_bytes())
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .and_then(|()| rustix::fs::renameat(parent, temp.as_str(), parent, name));
    if written.is_err() {
        // If this fails too, the file that is left has a name that no caller can see.
        let _ = rustix::fs::unlinkat(parent, temp.as_str(), AtFlags::empty());
    }
    written
}

fn describe(directory: BorrowedFd<'_>, name: String) -> Option<Entry> {
    let stat = rustix::fs::statat(directory, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let (kind, size) = match file_type(&stat) {
        FileType::RegularFile => ("file", Some(stat.st_size as u64)),
        FileType::Directory => ("directory", None),
        FileType::Symlink => ("symlink", None),
        _ => ("other", None),
    };
    Some(Entry { name, kind, size })
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn require_file(stat: &Stat, path: &str) -> Result<(), Failure> {
    match file_type(stat) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(explain(Errno::LOOP, path)),
        _ => Err(fail("not_a_file", format!("{path:?} is not a file."))),
    }
}

/// What the caller is told of an error of the system.
fn explain(error: Errno, path: &str) -> Failure {
    match error {
        Errno::NOENT => fail("not_found", format!("{path:?} does not exist.")),
        Errno::LOOP => fail("symlink", format!("{path:?} leads over a symbolic link, and those are not followed.")),
        Errno::NOTDIR => fail("not_a_directory", format!("{path:?} leads over something that is not a directory.")),
        Errno::ISDIR | Errno::NXIO => fail("not_a_file", format!("{path:?} is not a file.")),
        Errno::NAMETOOLONG => invalid("The path has a name too long for this disk."),
        _ => fail("io_error", format!("{path:?} could not be used.")),
    }
}

fn invalid(problem: &str) -> Failure {
    fail("invalid_path", format!("{problem} Give a path relative to the root, such as \"notes/today.md\"."))
}

fn fail(code: &'static str, message: String) -> Failure {
    Failure { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn with_root(check: impl FnOnce(&Root, &Path)) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("files-test-{}-{number}", std::process::id()));
        let inside = folder.join("root");
        std::fs::create_dir_all(inside.join("notes")).unwrap();
        std::fs::write(folder.join("secret.txt"), "secret").unwrap();
        std::fs::write(inside.join("notes/today.md"), "apples").unwrap();
        symlink("../secret.txt", inside.join("link.txt")).unwrap();
        symlink("notes", inside.join("link")).unwrap();
        check(&Root::open(&inside).unwrap(), &folder);
        std::fs::remove_dir_all(folder).unwrap();
    }

    fn code<T>(result: Result<T, Failure>) -> &'static str {
        result.err().expect("this should have failed").code
    }

    #[test]
    fn reads_what_is_below_the_root_and_nothing_else() {
        with_root(|root, folder| {
            assert_eq!(root.read("notes/today.md").unwrap(), "apples");
            let absolute = folder.join("secret.txt");
            for path in ["../secret.txt", "notes/../../secret.txt", "./notes/today.md", "notes//today.md", "", "a\0b"] {
                assert_eq!(code(root.read(path)), "invalid_path", "{path:?}");
            }
            assert_eq!(code(root.read(absolute.to_str().unwrap())), "invalid_path");
            assert_eq!(code(root.read("link.txt")), "symlink");
            assert_eq!(code(root.read("link/today.md")), "symlink");
            assert_eq!(code(root.read("notes")), "not_a_file");
            assert_eq!(code(root.read("notes/today.md/more")), "not_a_directory");
        });
    }

    #[test]
    fn writes_new_files_and_replaces_old_ones_but_never_through_a_link() {
        with_root(|root, folder| {
            assert!(root.write("new/deep/file.txt", "one").unwrap());
            assert!(!root.write("new/deep/file.txt", "two").unwrap());
            assert_eq!(root.read("new/deep/file.txt").unwrap(), "two");
            assert_eq!(code(root.write("link.txt", "x")), "symlink");
            assert_eq!(code(root.write("link/new.md", "x")), "symlink");
            assert_eq!(code(root.write("../new.txt", "x")), "invalid_path");
            assert_eq!(std::fs::read_to_string(folder.join("secret.txt")).unwrap(), "secret");
        });
    }

    #[test]
    fn lists_names_with_their_kind_and_leaves_out_what_no_path_can_say() {
        with_root(|root, folder| {
            std::fs::write(folder.join("root").join(format!("{TEMP_PREFIX}1")), "").unwrap();
            std::fs::write(folder.join("root/line\nbreak"), "").unwrap();
            let entries = root.list("").unwrap().entries;
            let seen: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
            assert_eq!(seen, [("link", "symlink"), ("link.txt", "symlink"), ("notes", "directory")]);
            assert_eq!(root.list("notes").unwrap().entries[0].size, Some(6));
            assert_eq!(code(root.list("link")), "symlink");
            assert_eq!(code(root.list("..")), "invalid_path");
        });
    }

    #[test]
    fn a_pipe_holds_nobody_up() {
        with_root(|root, folder| {
            let made = std::process::Command::new("mkfifo").arg(folder.join("root/pipe")).status().unwrap();
            assert!(made.success());
            assert_eq!(code(root.read("pipe")), "not_a_file");
        });
    }
}
