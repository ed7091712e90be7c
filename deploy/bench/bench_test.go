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

// TestMain plays the process that sends requests: the benchmark starts itself for that.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "load" {
		exit(obey(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func TestOneShortRoundMeasuresEverything(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	report, err := measureAll(context.Background(), options{rounds: 1, time: 50 * time.Millisecond, out: file}, progress{to: &out})
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
	if !strings.Contains(out.String(), "round 1 of 1, 1 of") {
		t.Errorf("progress: %s", out.String())
	}
}
