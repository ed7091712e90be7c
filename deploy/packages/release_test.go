package main

import (
	"context"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestReleaseIsForTheseSystems(t *testing.T) {
	want := []target{{"linux", "amd64"}, {"linux", "arm64"}, {"freebsd", "amd64"}, {"darwin", "arm64"}}
	got, err := chosen("")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	// The go command knows each of them, which a build of all would show too, in minutes.
	known := said(t, "go", "tool", "dist", "list")
	for _, one := range got {
		if !strings.Contains(known, one.String()+"\n") {
			t.Errorf("Go does not build for %s", one)
		}
	}
}

// The manual is written by a program for this machine. What it is compiled from is compiled once if that program comes first.
func TestTheProgramForThisMachineIsBuiltFirst(t *testing.T) {
	own, other := target{runtime.GOOS, runtime.GOARCH}, target{"plan9", "arm"}
	if got := ownFirst([]target{other, own, other}); !slices.Equal(got, []target{own, other, other}) {
		t.Errorf("%v", got)
	}
	if got := ownFirst([]target{other}); !slices.Equal(got, []target{other}) {
		t.Errorf("without it: %v", got)
	}
}

func TestReleaseHoldsWhatItPromises(t *testing.T) {
	files, err := os.ReadDir(made)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	want := []string{"SHA256SUMS", "cocart-gateway-0.1.0-1.x86_64.rpm", "cocart-gateway-0.1.0.tgz", "cocart-gateway_0.1.0_amd64.deb",
		"cocart-gateway_0.1.0_linux_amd64.cdx.json", "cocart-gateway_0.1.0_linux_amd64.tar.gz"}
	if !slices.Equal(names, want) {
		t.Errorf("got %v\nwant %v", names, want)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	check.Dir = made
	if text, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	sums, err := os.ReadFile(filepath.Join(made, "SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "\n") != len(want)-1 {
		t.Errorf("SHA256SUMS has not a line for each file: %v\n%s", err, sums)
	}
}

func TestArchiveHasTheProgramAndWhatBelongsToIt(t *testing.T) {
	got := said(t, "tar", "-tvzf", archiveFile(), "--numeric-owner")
	for _, line := range []string{"-rwxr-xr-x 0/0 cocart-gateway", "-rw-r--r-- 0/0 LICENSE", "-rw-r--r-- 0/0 README.md", "-rw-r--r-- 0/0 CHANGELOG.md",
		"-rw-r--r-- 0/0 config.example.yaml", "-rw-r--r-- 0/0 deploy/wordpress/cocart-gateway.php",
		"-rwxr-xr-x 0/0 deploy/compose/secrets.sh"} {
		words := strings.Fields(line)
		found := slices.ContainsFunc(strings.Split(got, "\n"), func(l string) bool {
			return strings.HasPrefix(l, words[0]+" "+words[1]+" ") && strings.HasSuffix(l, " cocart-gateway_0.1.0_linux_amd64/"+words[2])
		})
		if !found {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
}

func archiveFile() string {
	return filepath.Join(made, "cocart-gateway_"+madeVersion+"_linux_amd64.tar.gz")
}

func unpackedProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	said(t, "tar", "-xzf", archiveFile(), "-C", dir, "--strip-components=1")
	return filepath.Join(dir, "cocart-gateway")
}

func TestProgramIsStaticAndKnowsItsVersion(t *testing.T) {
	program := unpackedProgram(t)
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program needs a dynamic loader")
	}
	revision, _, err := commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(said(t, program, "version"))
	if len(words) < 4 || strings.Join(words[:2], " ") != "cocart-gateway "+madeVersion || !sameCommit(words[2], revision) {
		t.Errorf("version says %q, released was %s of %s", words, madeVersion, revision)
	}
	text, err := os.ReadFile(program)
	here, e := os.Getwd()
	if err != nil || e != nil || strings.Contains(string(text), here) {
		t.Errorf("the program holds the path of the repository: %v, %v", err, e)
	}
}

// sameCommit: while these tests run, files may come to differ from the commit.
func sameCommit(said, revision string) bool {
	return strings.TrimSuffix(strings.Trim(said, "(,"), "-dirty") == strings.TrimSuffix(revision, "-dirty")
}

// What is linked is in the bill of materials, in the same versions, each with
// its licence.
func TestBillOfMaterialsNamesEveryModule(t *testing.T) {
	info, err := buildinfo.ReadFile(unpackedProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(made, "cocart-gateway_"+madeVersion+"_linux_amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BomFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version string
			Evidence      struct{ Licenses []any }
		}
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BomFormat != "CycloneDX" || bill.Metadata.Component.Name != "cocart-gateway" || bill.Metadata.Component.Version != "v"+madeVersion {
		t.Errorf("%s of %+v", bill.BomFormat, bill.Metadata.Component)
	}
	listed := map[string]bool{}
	for _, c := range bill.Components {
		listed[c.Name+" "+c.Version] = true
		if len(c.Evidence.Licenses) == 0 && c.Name != "std" {
			t.Errorf("no licence of %s", c.Name)
		}
	}
	for _, d := range info.Deps {
		if !listed[d.Path+" "+d.Version] {
			t.Errorf("%s %s is linked and not listed", d.Path, d.Version)
		}
	}
}

// TestReleaseIsTheSameFromAnotherFolder releases once more from a copy of the
// repository that lies elsewhere and has other modes, in another time zone.
func TestReleaseIsTheSameFromAnotherFolder(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	copied, again := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	said(t, "sh", "-c", `umask 077 && git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents -t "$0"`, copied)
	if err := os.Symlink(filepath.Join(here, tools), filepath.Join(copied, tools)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_DIR", strings.TrimSpace(said(t, "git", "rev-parse", "--absolute-git-dir")))
	t.Setenv("TZ", "Pacific/Kiritimati")
	t.Chdir(copied)
	if err := command(context.Background(), []string{"-version", madeVersion, "-only", "linux/amd64", "-out", again}); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(made, "SHA256SUMS"))
	second, e := os.ReadFile(filepath.Join(again, "SHA256SUMS"))
	if err != nil || e != nil || string(first) != string(second) {
		t.Errorf("two releases of one commit differ: %v, %v\n%s\n%s", err, e, first, second)
	}
}

func TestReleaseRefusesAVersionThatIsNone(t *testing.T) {
	for version, want := range map[string]string{
		"":        "make release VERSION=1.2.3",
		"v0.1.0":  "make release VERSION=1.2.3",
		"0.1":     "make release VERSION=1.2.3",
		"99.98.7": "CHANGELOG.md says nothing of version 99.98.7",
	} {
		out := filepath.Join(t.TempDir(), "dist")
		if err := command(t.Context(), []string{"-version", version, "-out", out}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", version, err)
		}
	}
	if err := command(t.Context(), []string{"-version", madeVersion, "-only", "plan9/386", "-out", t.TempDir()}); err == nil {
		t.Error("released for a system that is not supported")
	}
}
