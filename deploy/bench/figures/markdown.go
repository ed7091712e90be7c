package figures

import (
	"fmt"
	"strings"
)

// Markdown is the report as a page of the documents.
func (r Report) Markdown() string {
	var page strings.Builder
	fmt.Fprintf(&page, "Measured by `make bench`: %s.", r.source())
	if r.TooNoisy != "" {
		fmt.Fprintf(&page, " The machine was too noisy to conclude: %s.", r.TooNoisy)
	}
	page.WriteString("\n\n| row | what | measured | goal | met |\n|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		note := ""
		if row.Note != "" {
			note = " (" + row.Note + ")"
		}
		fmt.Fprintf(&page, "| %s | %s | %s%s | %s | %s |\n", row.ID, row.What, row.measured(), note, row.goal(), row.met())
	}
	page.WriteString("\n| program | request | CPU µs a request | requests/s | p50 ms | p99 ms | MB | CPU in relation to |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.Candidates {
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %.2f | %.2f | %.0f | %s |\n", c.Name, c.Request, c.CPU.text(1), c.Rate.text(0),
			c.P50.Median/1000, c.P99.Median/1000, c.RSS, c.ratios())
	}
	return page.String()
}

// Sentence is what the README says.
func (r Report) Sentence() string {
	for _, row := range r.Rows {
		if row.ID == "1" {
			return fmt.Sprintf("A customer's request costs %s times the CPU of a bare `httputil.ReverseProxy` (%s to %s over %d rounds of\n`make bench`; %s, %s).",
				shown(row.Value), shown(row.Min), shown(row.Max), r.Rounds, r.Date, r.Machine)
		}
	}
	return ""
}
