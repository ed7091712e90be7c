package wordpress_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// phpsDir describes PHPs that Debian does not have: builds to WebAssembly from
// npm, in versions and with checksums that the lock file names.
const phpsDir = "testdata/phps"

// The plugin's tests pass in every PHP from the oldest that it promises to the
// newest there is. Debian's own runs them in TestThePluginInPHP.
func TestThePluginInEveryPHP(t *testing.T) {
	dir := phps(t)
	for _, version := range phpVersions(t) {
		t.Run("PHP "+version, func(t *testing.T) {
			t.Parallel()
			out := node(t, filepath.Join(dir, "run.js"), version, ".")
			said, results, _ := bytes.Cut(out, []byte("\n"))
			if !strings.HasPrefix(string(said), "php "+version+".") {
				t.Fatalf("this is %q", said)
			}
			verdicts(t, results)
		})
	}
}

// phpVersions are those in package.json: "7.4" for @php-wasm/node-7-4.
func phpVersions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(phpsDir + "/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(`"@php-wasm/node-(\d)-(\d)"`).FindAllSubmatch(text, -1) {
		found = append(found, string(m[1])+"."+string(m[2]))
	}
	if len(found) < 2 {
		t.Fatalf("only %v in package.json", found)
	}
	return found
}

func TestThePHPsAreThoseThatTheDocumentationNames(t *testing.T) {
	text, err := os.ReadFile("COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if row := "\n| " + strings.Join(phpVersions(t), ", ") + " | "; !strings.Contains(string(text), row) {
		t.Errorf("COMPATIBILITY.md has no row that begins with %q", row)
	}
}

// phps is where the builds are. They are installed once per content of the lock
// file, outside of the tree: they have some 400 MB.
func phps(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	files := []string{".npmrc", "package.json", "package-lock.json", "run.js"}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(phpsDir, name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "cocart-gateway", "phps-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err != nil {
		installPHPs(t, dir, files)
	}
	return dir
}

// installPHPs fills the directory in one step, so that half an installation is
// never taken for a whole one.
func installPHPs(t *testing.T, dir string, files []string) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Fatal("npm is missing: deploy/demo/install.sh node")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	next, err := os.MkdirTemp(filepath.Dir(dir), "next-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(next)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(phpsDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(next, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), npm, "ci")
	install.Dir = next
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(next, dir); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

func node(t *testing.T, args ...string) []byte {
	t.Helper()
	binary, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: deploy/demo/install.sh node")
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.Bytes())
	}
	return out
}

// The lock file pins what is installed, by checksum, and leaves it to npm's
// configuration where it comes from.
func TestTheLockFileNamesNoRegistry(t *testing.T) {
	text, err := os.ReadFile(phpsDir + "/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if name != "" && (p.Integrity == "" || p.Version == "" || p.Resolved != "") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
