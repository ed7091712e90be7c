package figures

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s, gateway %s, %s, %d rounds\n\n", r.Date, r.Version, r.Machine, r.Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "program\trequest\tCPU µs/request\treq/s\tp50 ms\tp99 ms\tRSS MB\tCPU in relation to\t")
	for _, c := range r.Candidates {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t%.2f\t%.0f\t%s\t%s\n", c.Name, c.Request, c.CPU.text(1), c.Rate.text(0), c.P50.Median/1000,
			c.P99.Median/1000, c.RSS, c.ratios(), c.wrong())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t.Init(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\twhat\tvalue\tgoal\tmet")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", row.ID, row.What, row.measured(), row.goal(), row.met())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.TooNoisy != "" {
		fmt.Fprintf(w, "\nThe machine was too noisy to conclude: %s. Run it again on a quiet machine.\n", r.TooNoisy)
	}
	return nil
}

func (r Range) text(digits int) string {
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, r.Median, digits, r.Min, digits, r.Max)
}

func (c Candidate) ratios() string {
	var parts []string
	for _, other := range slices.Sorted(maps.Keys(c.Ratios)) {
		parts = append(parts, fmt.Sprintf("%s %.2f×", other, c.Ratios[other].Median))
	}
	return strings.Join(parts, ", ")
}

func (c Candidate) wrong() string {
	if c.Wrong == 0 {
		return ""
	}
	return fmt.Sprintf("%d WRONG ANSWERS", c.Wrong)
}

func shown(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (r Row) measured() string {
	if r.Min == r.Max {
		return shown(r.Value) + " " + r.Unit
	}
	return fmt.Sprintf("%s (%s–%s) %s", shown(r.Value), shown(r.Min), shown(r.Max), r.Unit)
}

func (r Row) goal() string {
	if r.Least {
		return "≥ " + shown(r.Goal)
	}
	return "≤ " + shown(r.Goal)
}

func (r Row) met() string {
	word := "no"
	if r.Met {
		word = "yes"
	}
	if !r.Likely {
		word += ", but not in every round"
	}
	return word
}
