package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// made holds a release for one system, which all tests here share.
var made string

const madeVersion = "0.1.0"

func TestMain(m *testing.M) { os.Exit(withRelease(m)) }

func withRelease(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cocart-gateway-packages")
	if err == nil {
		defer os.RemoveAll(dir)
		made = filepath.Join(dir, "dist")
		err = os.Chdir("../..")
	}
	if err == nil {
		err = command(context.Background(), []string{"-version", madeVersion, "-only", "linux/amd64", "-out", made})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no release to test (make tools builds what it needs):", err)
		return 1
	}
	return m.Run()
}

// packageOf makes a package of another version around the binary of the
// release. Its configuration file has a line more if extra is given.
func packageOf(t *testing.T, kind, version, extra string) string {
	t.Helper()
	dir, binary := t.TempDir(), unpackedProgram(t)
	recipe, err := os.ReadFile("deploy/packages/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("deploy/packages/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.yaml"), string(config)+extra)
	write(t, filepath.Join(dir, "nfpm.yaml"), strings.ReplaceAll(string(recipe), "deploy/packages/config.yaml", filepath.Join(dir, "config.yaml")))
	file := filepath.Join(dir, "cocart-gateway."+kind)
	if _, err := output(t.Context(), []string{"VERSION=" + version, "ARCH=amd64", "BINARY=" + binary, "MANUAL=" + manualOf(t, binary), "SOURCE_DATE_EPOCH=0"},
		filepath.Join(tools, "nfpm"), "package", "--config", filepath.Join(dir, "nfpm.yaml"), "--packager", kind, "--target", file); err != nil {
		t.Fatal(err)
	}
	return file
}

// manualOf returns the folder with the pages of a program.
func manualOf(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	said(t, program, "manual", dir)
	pages, _ := filepath.Glob(filepath.Join(dir, "man", "*.1")) // the pattern is well formed
	for _, page := range pages {
		if err := compress(page); err != nil {
			t.Fatal(err)
		}
	}
	if err := changelog(dir, madeVersion, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
