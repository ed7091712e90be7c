package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain plays the programs that the benchmark starts itself for.
func TestMain(m *testing.M) {
	asProgram(os.Args)
	os.Exit(m.Run())
}

func TestOneShortRoundMeasuresEverything(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	report, err := measureAll(context.Background(), options{rounds: 1, time: 50 * time.Millisecond, out: file,
		least: 1000, idle: 100, sessions: 50, revocations: 1000}, progress{to: &out})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if row.Median == 0 && row.Goal != 0 {
			t.Errorf("row %s (%s) was not measured", row.ID, row.What)
		}
	}
	for _, c := range report.Candidates {
		if c.P99.Median == 0 || c.Rate.Median == 0 {
			t.Errorf("%s, %s: %+v", c.Name, c.Request, c)
		}
	}
	if err := report.Write(file); err != nil {
		t.Fatal(err)
	}
	if page := report.Markdown(); !strings.Contains(page, "| 7-login | logins") || !strings.Contains(report.Sentence(), "times the CPU") {
		t.Errorf("%s\n%s", page, report.Sentence())
	}
	if !strings.Contains(out.String(), "round 1 of 1, 1 of") {
		t.Errorf("progress: %s", out.String())
	}
}

func TestTheTextBetweenTheMarksIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	for _, text := range []string{"first\n", "second\n"} {
		if _, err := os.Stat(file); err != nil {
			if err := os.WriteFile(file, []byte("before\n"+begins+"\nold\n"+ends+"\nafter\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := between(file, text); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if want := "before\n" + begins + "\n" + text + ends + "\nafter\n"; err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	if err := os.WriteFile(file, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := between(file, "text"); err == nil {
		t.Error("a page without marks is written")
	}
}
