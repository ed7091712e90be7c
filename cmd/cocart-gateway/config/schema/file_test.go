package schema

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// named makes a named pipe.
func named(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// substituted makes a pipe as the <(…) of a shell does, and returns its path and the end that is written to.
func substituted(t *testing.T) (path string, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return fmt.Sprintf("/dev/fd/%d", r.Fd()), w
}

func TestAPipeIsReadToItsEnd(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 6<<10) // more than a pipe holds at once
	whole := patience{open: time.Minute, end: time.Minute}
	for name, make := range map[string]func() (path string, write func()){
		"of a shell, which has written already": func() (string, func()) {
			path, w := substituted(t)
			_, _ = w.Write(large[:4<<10])
			return path, func() { _, _ = w.Write(large[4<<10:]); w.Close() }
		},
		"named, which is written to while it is read": func() (string, func()) {
			path := named(t)
			return path, func() {
				w, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
				if err == nil {
					_, _ = w.Write(large)
					w.Close()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, write := make()
			go write()
			if data, m := readBounded(path, MaxConfigFile, whole); m != nil || !bytes.Equal(data, large) {
				t.Errorf("%d bytes, %v", len(data), m)
			}
		})
	}
}

func TestNoFileMakesAReaderWaitForever(t *testing.T) {
	silent, _ := substituted(t)
	ended, w := substituted(t)
	w.Close()
	unfinished, w := substituted(t)
	_, _ = w.WriteString("upstream:\n")
	short := patience{open: 20 * time.Millisecond, end: 50 * time.Millisecond}
	for name, row := range map[string]struct{ path, want string }{
		"a named pipe without a writer": {named(t), "the file is a pipe that no program writes to"},
		"a pipe of a silent program":    {silent, "the file is not a regular one, and its contents did not end within 50ms"},
		"a pipe that does not end":      {unfinished, "the file is not a regular one, and its contents did not end within 50ms"},
		"a pipe that has ended":         {ended, "the file is a pipe without contents"},
		"a device without an end":       {"/dev/zero", "the file is larger than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			if data, m := readBounded(row.path, MaxSecretFile, short); m == nil || m.Value != row.want {
				t.Errorf("%d bytes, %+v", len(data), m)
			}
		})
	}
	if data, m := readBounded(os.DevNull, MaxSecretFile, short); m != nil || len(data) != 0 {
		t.Errorf("%s: %q, %+v", os.DevNull, data, m)
	}
}

func TestAFileThatIsReadAgainIsARegularOne(t *testing.T) {
	substitute, w := substituted(t)
	_, _ = w.WriteString("a certificate")
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		named(t): "not a regular file", substitute: "not a regular file", "/dev/zero": "not a regular file",
		dir: "is a directory", large: "larger than 0 KiB", filepath.Join(dir, "none"): "no such file",
	} {
		if data, err := ReadRegular(path, 10); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	if data, err := ReadRegular(large, 11); err != nil || len(data) != 11 {
		t.Errorf("%q, %v", data, err)
	}
}
