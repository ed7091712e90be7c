package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestManualHasAPageForEachCommandAndEachShell(t *testing.T) {
	dir := t.TempDir()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	manual := exec.Command(own, "manual", dir) // in a process of its own, because a time zone is that of a whole process
	manual.Env = append(os.Environ(), asGateway+"=1", "TZ=Pacific/Kiritimati",
		"SOURCE_DATE_EPOCH=1701388799") // the last second of November 2023, in UTC
	if said, err := manual.CombinedOutput(); err != nil || len(said) != 0 {
		t.Fatalf("%v: %s", err, said)
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
