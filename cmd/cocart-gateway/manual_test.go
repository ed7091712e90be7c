package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestManualHasAPageForEachCommandAndEachShell(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1701388799") // the last second of November 2023, in UTC
	here := time.Local
	time.Local = time.FixedZone("Kiritimati", 14*60*60)
	defer func() { time.Local = here }()
	dir := t.TempDir()
	if code, said := command(t, "manual", dir); code != exitOK || said != "" {
		t.Fatalf("exit %d: %s", code, said)
	}
	for _, c := range runnable(newRoot(terminal{})) {
		if c.Hidden {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, "man", strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if err != nil || !strings.Contains(string(page), "Nov 2023") || !strings.Contains(string(page), "EXAMPLE") {
			t.Errorf("%s: %v\n%.300s", c.CommandPath(), err, page)
		}
	}
	for _, file := range []string{"bash/cocart-gateway", "zsh/_cocart-gateway", "fish/cocart-gateway.fish"} {
		text, err := os.ReadFile(filepath.Join(dir, "completions", file))
		if err != nil || !strings.Contains(string(text), "cocart-gateway") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestManualRefusesADateThatIsNone(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	if code, said := command(t, "manual", t.TempDir()); code == exitOK || !strings.Contains(said, "SOURCE_DATE_EPOCH") {
		t.Errorf("exit %d: %s", code, said)
	}
}
