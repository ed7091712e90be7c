package figures

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Report is everything that one run of make bench found.
type Report struct {
	Date       string      `json:"date"` // 2026-12-31
	Machine    string      `json:"machine"`
	Version    string      `json:"version"` // of the gateway: commit, and whether files differ from it
	Short      bool        `json:"short"`
	Rounds     int         `json:"rounds"`
	Noise      Noise       `json:"noise"`
	TooNoisy   string      `json:"too_noisy,omitempty"` // why nothing can be concluded
	Rows       []Row       `json:"rows"`
	Candidates []Candidate `json:"candidates"`
}

// Candidate is one program with one kind of request, over all rounds.
type Candidate struct {
	Name    string           `json:"name"` // gateway, bare, …
	Request string           `json:"request"`
	CPU     Range            `json:"cpu_us"`
	Rate    Range            `json:"requests_per_second"`
	P50     Range            `json:"p50_us"`
	P99     Range            `json:"p99_us"`
	RSS     float64          `json:"rss_mb"` // the largest
	Ratios  map[string]Range `json:"cpu_ratio"`
	Wrong   int              `json:"wrong"`
}

// Summary makes a candidate of its rounds, with its CPU time in relation to that of others in the same rounds.
func Summary(name, request string, rounds []Sample, others map[string][]Sample) Candidate {
	c := Candidate{Name: name, Request: request, CPU: Of(rounds, CPU), Rate: Of(rounds, Rate), P50: Of(rounds, P50), P99: Of(rounds, P99),
		RSS: Of(rounds, RSS).Max, Ratios: map[string]Range{}}
	for other, theirs := range others {
		if r := Ratio(rounds, theirs, CPU); r.Median > 0 {
			c.Ratios[other] = r
		}
	}
	for _, s := range rounds {
		c.Wrong += s.Wrong
	}
	return c
}

// Write puts the report into a file, in one step.
func (r Report) Write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // figures are no secret
		return err
	}
	part := file + ".part"
	if err := os.WriteFile(part, append(text, '\n'), 0o644); err != nil { //nolint:gosec // figures are no secret
		return err
	}
	return os.Rename(part, file)
}

// Read reads what Write wrote.
func Read(file string) (Report, error) {
	var r Report
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
