package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata, and the table of metrics in deploy/docs/metrics.md")

// golden is a file of expected texts, each below a line with its name. go test -update writes what the tests find.
type golden struct {
	path      string
	want, got map[string]string
}

func openGolden(t *testing.T, name string) *golden {
	t.Helper()
	g := &golden{path: filepath.Join("testdata", name), want: map[string]string{}, got: map[string]string{}}
	text, err := os.ReadFile(g.path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "== ") {
		name, want, _ := strings.Cut(part, "\n")
		g.want[name] = strings.TrimSpace(want)
	}
	t.Cleanup(func() { g.write(t) })
	return g
}

func (g *golden) check(t *testing.T, name, got string) {
	t.Helper()
	got = strings.TrimSpace(got)
	g.got[name] = got
	if want, known := g.want[name]; !*update && (!known || got != want) {
		t.Errorf("%s in %s; -update accepts what was found:\n%s\nwant\n%s", name, g.path, got, want)
	}
}

func (g *golden) write(t *testing.T) {
	if !*update || t.Failed() {
		return
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.got)) {
		b.WriteString("== " + name + "\n" + g.got[name] + "\n\n")
	}
	if err := os.WriteFile(g.path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
