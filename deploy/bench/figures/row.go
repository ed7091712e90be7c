package figures

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Row is one figure of the report, with its goal.
type Row struct {
	ID   string `json:"id"`   // the same in every report: programs read it
	What string `json:"what"` // for people
	Unit string `json:"unit"`
	Range
	Value  float64 `json:"value"`  // the median, rounded as it is shown
	Goal   float64 `json:"goal"`   // what Value may be at most, or must be at least
	Least  bool    `json:"least"`  // Goal is the least value, not the most
	Met    bool    `json:"met"`    // whether Value meets Goal
	Likely bool    `json:"likely"` // the best and the worst round agree about it
	Note   string  `json:"note,omitempty"`
}

// AtMost makes a row whose goal is an upper limit.
func AtMost(id, what string, r Range, goal float64, unit string) Row {
	return judged(Row{ID: id, What: what, Range: r, Goal: goal, Unit: unit})
}

// AtLeast makes a row whose goal is a lower limit.
func AtLeast(id, what string, r Range, goal float64, unit string) Row {
	return judged(Row{ID: id, What: what, Range: r, Goal: goal, Unit: unit, Least: true})
}

// judged compares the value that people read, so that the table never shows "1.15" as more than "1.15".
func judged(r Row) Row {
	r.Median, r.Min, r.Max = round(r.Median), round(r.Min), round(r.Max)
	r.Value = r.Median
	r.Met = r.meets(r.Value)
	r.Likely = r.meets(r.Min) == r.meets(r.Max)
	return r
}

func (r Row) meets(v float64) bool {
	if r.Least {
		return v >= r.Goal
	}
	return v <= r.Goal
}

// round keeps three digits, and whole numbers from a hundred on.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	scale := math.Pow(10, float64(min(digits, 3)))
	return math.Round(v*scale) / scale
}

// Sort orders rows by the number at the beginning of their ids, and leaves the others in their order.
func Sort(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.number(), b.number()) })
}

func (r Row) number() int {
	text, _, _ := strings.Cut(r.ID, "-")
	n, _ := strconv.Atoi(text) // without one it is the first
	return n
}
