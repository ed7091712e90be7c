package figures

import "fmt"

// Noise is what else happened on the machine while it measured.
type Noise struct {
	// Foreign is the share of the machine's CPUs that programs had which make bench did not start, and that the host
	// gave to other machines; 0 to 1.
	Foreign float64 `json:"foreign"`
	// Spread is how far the bare proxy's CPU time per request went apart: (largest − smallest) ÷ median over the rounds.
	Spread float64 `json:"spread"`
}

// More than these, and no conclusion holds: the goals are a few hundredths apart.
const (
	mostForeign = 0.10
	mostSpread  = 0.30
)

// SpreadOf is the spread of a range.
func SpreadOf(r Range) float64 {
	if r.Median == 0 {
		return 0
	}
	return (r.Max - r.Min) / r.Median
}

// TooNoisy says why nothing can be concluded; "" if something can.
func (n Noise) TooNoisy() string {
	switch {
	case n.Foreign > mostForeign:
		return fmt.Sprintf("other programs used %.0f %% of the CPUs (%.0f %% at most)", 100*n.Foreign, 100*mostForeign)
	case n.Spread > mostSpread:
		return fmt.Sprintf("the bare proxy's own figure varied by %.0f %% between rounds (%.0f %% at most)", 100*n.Spread, 100*mostSpread)
	}
	return ""
}
