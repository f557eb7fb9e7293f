package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

const maxFileBytes = 1 << 20

// Folder is a directory that no path leads out of: os.Root opens every name below the directory before, so that no
// link leads outside, also not one that appears in the middle of a call. Links to places inside are followed.
type Folder struct{ root *os.Root }

// FolderError says, in words for the caller, why a path was refused.
type FolderError string

func (e FolderError) Error() string { return string(e) }

func (f Folder) Read(name string) (string, error) {
	// Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", explain(err)
	}
	defer file.Close()
	if err := requireFile(file.Stat()); err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return "", explain(err)
	}
	if len(content) > maxFileBytes {
		return "", FolderError(fmt.Sprintf("The file has more than %d bytes.", maxFileBytes))
	}
	return strings.ToValidUTF8(string(content), "\uFFFD"), nil
}

// Write replaces a file whole or not at all: readers see the old text until the new one is complete.
func (f Folder) Write(name, content string) (err error) {
	if len(content) > maxFileBytes {
		return FolderError(fmt.Sprintf("Write at most %d bytes.", maxFileBytes))
	}
	mode := fs.FileMode(0o644)
	before, err := f.root.Lstat(name)
	switch {
	case err == nil && !before.Mode().IsRegular():
		return FolderError("That is not a file.")
	case err == nil:
		mode = before.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return explain(err)
	}
	unfinished := path.Join(path.Dir(name), "."+rand.Text()+".unfinished")
	file, err := f.root.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return explain(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), f.root.Remove(unfinished))
		}
	}()
	_, err = file.WriteString(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	// A link that has come there meanwhile is replaced, not followed.
	return f.root.Rename(unfinished, name)
}

// List gives names in order; those of directories end in a slash.
func (f Folder) List(name string) ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), name)
	if err != nil {
		return nil, explain(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
		if entry.IsDir() {
			names[i] += "/"
		}
	}
	return names, nil
}

func requireFile(info fs.FileInfo, err error) error {
	if err != nil {
		return explain(err)
	}
	if !info.Mode().IsRegular() {
		return FolderError("That is not a file.")
	}
	return nil
}

// explain keeps the system's own words for the operator.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return FolderError("There is nothing of that name.")
	case errors.Is(err, fs.ErrPermission):
		return FolderError("The server may not do that.")
	default:
		record("failed", "reason", err.Error())
		return FolderError(`The path leads nowhere inside the folder. Write it from the top, as "plans/summer.md".`)
	}
}
