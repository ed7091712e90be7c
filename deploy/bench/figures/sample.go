// Package figures turns what make bench measures into the table, the file and the picture that it shows. It starts
// nothing and measures nothing.
//
//	sample.go  one candidate in one round, and medians over rounds
//	row.go     a row of the report: a figure, its goal, whether it was met
//	noise.go   whether the machine was too noisy to conclude
//	table.go   the report as text
//	report.go  the report as JSON
//	svg.go     the report as a picture
package figures

import "slices"

// Sample is one candidate in one round.
type Sample struct {
	CPU      float64 // µs of user and system time of the candidate's processes per request
	Rate     float64 // requests per second
	P50, P99 float64 // µs
	RSS      float64 // MB
	Requests int
	Wrong    int // answers with another status than expected
}

// Range is the median of several values, and the smallest and the largest.
type Range struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Over makes the range of some values; that of none is zero.
func Over(values []float64) Range {
	if len(values) == 0 {
		return Range{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		middle = (sorted[len(sorted)/2-1] + middle) / 2
	}
	return Range{Median: middle, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Figure chooses one value of a sample.
type Figure func(Sample) float64

// The figures of the report.
var (
	CPU  Figure = func(s Sample) float64 { return s.CPU }
	Rate Figure = func(s Sample) float64 { return s.Rate }
	P50  Figure = func(s Sample) float64 { return s.P50 }
	P99  Figure = func(s Sample) float64 { return s.P99 }
	RSS  Figure = func(s Sample) float64 { return s.RSS }
)

// Of is the range of a figure over the rounds.
func Of(rounds []Sample, f Figure) Range {
	values := make([]float64, len(rounds))
	for i, s := range rounds {
		values[i] = f(s)
	}
	return Over(values)
}

// Ratio is the range of a figure divided by that of another candidate in the same round, so that what slows down the
// machine for a round slows down both.
func Ratio(rounds, to []Sample, f Figure) Range {
	return pairs(rounds, to, f, func(a, b float64) (float64, bool) { return a / b, b != 0 })
}

// Difference is the range of a figure minus that of another candidate in the same round.
func Difference(rounds, to []Sample, f Figure) Range {
	return pairs(rounds, to, f, func(a, b float64) (float64, bool) { return a - b, true })
}

func pairs(rounds, to []Sample, f Figure, of func(a, b float64) (float64, bool)) Range {
	var values []float64
	for i := range min(len(rounds), len(to)) {
		if v, ok := of(f(rounds[i]), f(to[i])); ok {
			values = append(values, v)
		}
	}
	return Over(values)
}
