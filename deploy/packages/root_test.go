package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machine is a Debian in a folder, made of the packages that this one has
// installed: enough for dpkg and rpm to run their scripts in. Nothing of this
// machine is changed. No systemd runs in it; systemctl writes down what it is
// told to do.
type machine struct {
	t    *testing.T
	root string
}

// newMachine copies what the packages given need, and whatever they depend on.
func newMachine(t *testing.T, packages ...string) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root may change its root directory: run this test as root, as CI does")
	}
	m := &machine{t, t.TempDir()}
	if err := os.Chmod(m.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		m.must(os.MkdirAll(m.path("usr/"+name), 0o755))
		m.must(os.Symlink("usr/"+name, m.path(name)))
	}
	for _, name := range []string{"etc", "dev", "proc", "run", "tmp", "var/lib/dpkg/updates", "var/lib/dpkg/info", "var/log", "usr/share/doc"} {
		m.must(os.MkdirAll(m.path(name), 0o755))
	}
	m.copy(closure(t, packages))
	m.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", 0o644)
	m.write("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644)
	m.write("etc/shadow", "root:*:1::::::\n", 0o600)
	m.write("etc/gshadow", "root:*::\n", 0o600)
	return m
}

// copy takes the files of installed packages over, and dpkg's word that they
// are installed.
func (m *machine) copy(packages []string) {
	m.t.Helper()
	var files []string
	for file := range strings.Lines(said(m.t, "dpkg-query", append([]string{"--listfiles"}, packages...)...)) {
		file = strings.TrimSpace(file)
		folder, err := filepath.EvalSymlinks(filepath.Dir(file)) // /bin is /usr/bin
		if info, e := os.Lstat(file); err != nil || e != nil || info.IsDir() || neverRun.MatchString(file) {
			continue // documents are often left out of an installation
		}
		files = append(files, filepath.Join(folder, filepath.Base(file))[1:])
	}
	slices.Sort(files)
	list := filepath.Join(m.t.TempDir(), "files")
	m.must(os.WriteFile(list, []byte(strings.Join(slices.Compact(files), "\n")), 0o600))
	said(m.t, "sh", "-c", `tar -C / -cf - --files-from="$0" | tar -C "$1" -xf -`, list, m.root)
	m.write("var/lib/dpkg/status", said(m.t, "dpkg-query", append([]string{"--status"}, packages...)...), 0o644)
}

var neverRun = regexp.MustCompile(`^/usr/share/(doc|man|locale|info|lintian)/`)

// closure adds what packages depend on, as far as it is installed here.
func closure(t *testing.T, packages []string) []string {
	t.Helper()
	depends := map[string][]string{}
	word := regexp.MustCompile(`[a-z0-9][a-z0-9+.-]+`)
	for line := range strings.Lines(said(t, "dpkg-query", "--show", "--showformat", `${Package}|${Pre-Depends}, ${Depends}\n`)) {
		name, others, _ := strings.Cut(line, "|")
		depends[name] = word.FindAllString(regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(others, ""), -1)
	}
	var all []string
	for todo := slices.Clone(packages); len(todo) > 0; todo = todo[1:] {
		others, installed := depends[todo[0]]
		if installed && !slices.Contains(all, todo[0]) {
			all, todo = append(all, todo[0]), append(todo, others...)
		}
	}
	for _, p := range packages {
		if !slices.Contains(all, p) {
			t.Fatalf("this machine lacks %s: deploy/demo/install.sh packages", p)
		}
	}
	return all
}

// run gives what a program prints that sees the machine's folder as $ROOT, and
// /dev and /proc in it. The mounts end with the program.
func (m *machine) run(words ...string) (string, error) {
	m.t.Helper()
	const mounts = `mount --rbind /dev "$ROOT/dev" && mount --rbind /proc "$ROOT/proc" && exec "$@"`
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c", mounts, "sh"}, words...)...)
	cmd.Env = []string{"ROOT=" + m.root, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return string(text), err
}

// ok is run for what must work.
func (m *machine) ok(words ...string) string {
	m.t.Helper()
	text, err := m.run(words...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, text)
	}
	return text
}

// as runs a program inside, under an account.
func (m *machine) as(account string, words ...string) (string, error) {
	m.t.Helper()
	return m.run(append([]string{"chroot", "--userspec=" + account, m.root}, words...)...)
}

// recordSystemctl makes the scripts believe that systemd runs, and that the gateway does not start: what they do must
// not depend on that.
func (m *machine) recordSystemctl() {
	m.t.Helper()
	m.must(os.MkdirAll(m.path("run/systemd/system"), 0o755))
	m.must(os.RemoveAll(m.path("usr/bin/systemctl")))
	m.write("usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/systemctl.log\n[ \"$1\" != try-restart ]\n", 0o755)
}

// told is what systemctl was told since the last call.
func (m *machine) told() string {
	m.t.Helper()
	text, err := os.ReadFile(m.path("systemctl.log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.t.Fatal(err)
	}
	m.must(os.RemoveAll(m.path("systemctl.log")))
	return string(text)
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

func (m *machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(name))
	m.must(err)
	return string(text)
}

func (m *machine) write(name, text string, mode fs.FileMode) {
	m.t.Helper()
	m.must(os.WriteFile(m.path(name), []byte(text), mode))
	m.must(os.Chmod(m.path(name), mode))
}

func (m *machine) has(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// said is the output of a program of this machine.
func said(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\nIs it installed? deploy/demo/install.sh packages", name, err, complaint.String())
	}
	return string(text)
}
