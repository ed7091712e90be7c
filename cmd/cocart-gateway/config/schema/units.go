package schema

import (
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
)

// Day is 24 hours.
const Day = 24 * time.Hour

// Duration is a time span from low to high, both included.
func Duration(low, high time.Duration) Form[time.Duration] {
	return durationBy(fmt.Sprintf("must be a duration between %s and %s", FormatDuration(low), FormatDuration(high)),
		func(d time.Duration) bool { return low <= d && d <= high })
}

// DurationOr0 is a time span from low to high, or 0 with a meaning of its own.
func DurationOr0(low, high time.Duration, meaning string) Form[time.Duration] {
	return durationBy(fmt.Sprintf("must be a duration between %s and %s, or 0 for %s", FormatDuration(low), FormatDuration(high), meaning),
		func(d time.Duration) bool { return d == 0 || low <= d && d <= high })
}

func durationBy(rule string, valid func(time.Duration) bool) Form[time.Duration] {
	return Form[time.Duration]{
		Rule:  rule,
		Types: []string{"!!str", "!!int"},
		Parse: func(s string) (time.Duration, *Mistake) {
			d, err := ParseDuration(s)
			if err != nil || !valid(d) {
				return 0, &Mistake{}
			}
			return d, nil
		},
		Show: func(d time.Duration) any { return FormatDuration(d) },
	}
}

// ParseDuration reads "90s" and "1h30m" as Go does, and "10d", "4w" and "1w2d" as Prometheus does (a day is 24 hours).
func ParseDuration(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return d, nil
	}
	d, err := model.ParseDuration(s)
	return time.Duration(d), err
}

// FormatDuration writes what parseDuration reads back unchanged.
func FormatDuration(d time.Duration) string {
	switch {
	case d > 0 && d%Day == 0:
		return fmt.Sprintf("%dd", d/Day)
	case d < Day || d%time.Millisecond != 0:
		return trimZeros(d.String())
	}
	return model.Duration(d).String()
}

// trimZeros shortens 1h0m0s to 1h.
func trimZeros(s string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// Size is a number of bytes, plain or as "64KiB" or "1MB".
func Size(low, high int64) Form[int64] {
	return Form[int64]{
		Rule:  fmt.Sprintf("must be a size between %s and %s", formatSize(low), formatSize(high)),
		Types: []string{"!!str", "!!int"},
		Parse: func(s string) (int64, *Mistake) {
			n, err := parseSize(s)
			if err != nil || n < low || n > high {
				return 0, &Mistake{}
			}
			return n, nil
		},
		Show: func(n int64) any { return formatSize(n) },
	}
}

func parseSize(s string) (int64, error) {
	if s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		s += "B"
	}
	return units.ParseStrictBytes(s)
}

func formatSize(n int64) string { return units.Base2Bytes(n).String() }
