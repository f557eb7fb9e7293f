package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// makeFolder gives a folder "top" with files in it, beside a folder "private".
func makeFolder(t *testing.T) (Folder, string) {
	t.Helper()
	outside := t.TempDir()
	for _, path := range []string{"top/a.txt", "top/plans/a.txt", "private/a.txt"} {
		full := filepath.Join(outside, path)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, []byte(path), 0o644))
	}
	must(t, os.Symlink("../private", filepath.Join(outside, "top/out")))
	must(t, os.Symlink("a.txt", filepath.Join(outside, "top/alias")))
	must(t, syscall.Mkfifo(filepath.Join(outside, "top/pipe"), 0o600))
	root, err := os.OpenRoot(filepath.Join(outside, "top"))
	must(t, err)
	t.Cleanup(func() { root.Close() })
	return Folder{root}, outside
}

func TestReadsWritesAndListsBelowTheFolder(t *testing.T) {
	folder, outside := makeFolder(t)
	for path, want := range map[string]string{"a.txt": "top/a.txt", "plans/a.txt": "top/plans/a.txt", "alias": "top/a.txt"} {
		if got, err := folder.Read(path); err != nil || got != want {
			t.Errorf("Read(%q) = %q, %v", path, got, err)
		}
	}
	for _, content := range []string{"one", "two"} {
		must(t, folder.Write("plans/b.txt", content))
	}
	if got, _ := os.ReadFile(filepath.Join(outside, "top/plans/b.txt")); string(got) != "two" {
		t.Errorf("plans/b.txt is %q", got)
	}
	names, err := folder.List(".")
	if want := []string{"a.txt", "alias", "out", "pipe", "plans/"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("List = %q, %v", names, err)
	}
}

func TestNothingLeadsOut(t *testing.T) {
	folder, outside := makeFolder(t)
	for _, path := range []string{"..", "../private/a.txt", "/etc/passwd", "out/a.txt", "out", "pipe", "plans", "a\x00", "", "."} {
		_, err := folder.Read(path)
		mustRefuse(t, path, err)
		mustRefuse(t, path, folder.Write(path, "overwritten"))
	}
	for _, path := range []string{"private/a.txt", "top/a.txt"} {
		if got, _ := os.ReadFile(filepath.Join(outside, path)); string(got) != path {
			t.Errorf("%s is %q", path, got)
		}
	}
	mustRefuse(t, "alias", folder.Write("alias", "overwritten"))
}

func TestTakesNoMoreThanAMegabyteAndLeavesNothingUnfinished(t *testing.T) {
	folder, outside := makeFolder(t)
	big := strings.Repeat("x", maxFileBytes)
	must(t, folder.Write("big.txt", big))
	mustRefuse(t, "big.txt", folder.Write("big.txt", big+"x"))
	must(t, os.WriteFile(filepath.Join(outside, "top/big.txt"), []byte(big+"x"), 0o644))
	_, err := folder.Read("big.txt")
	mustRefuse(t, "big.txt", err)
	names, _ := folder.List(".")
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, "unfinished") }) {
		t.Errorf("List = %q", names)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustRefuse(t *testing.T, path string, err error) {
	t.Helper()
	var refused FolderError
	if !errors.As(err, &refused) {
		t.Errorf("%q: %v", path, err)
	}
}
