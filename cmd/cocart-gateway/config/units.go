package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
)

const day = 24 * time.Hour

// duration is a time span from low to high, both included.
func duration(low, high time.Duration) form[time.Duration] {
	return durationBy(fmt.Sprintf("must be a duration between %s and %s", FormatDuration(low), FormatDuration(high)),
		func(d time.Duration) bool { return low <= d && d <= high })
}

// durationOr0 is a time span from low to high, or 0 with a meaning of its own.
func durationOr0(low, high time.Duration, meaning string) form[time.Duration] {
	return durationBy(fmt.Sprintf("must be a duration between %s and %s, or 0 for %s", FormatDuration(low), FormatDuration(high), meaning),
		func(d time.Duration) bool { return d == 0 || low <= d && d <= high })
}

func durationBy(rule string, valid func(time.Duration) bool) form[time.Duration] {
	return form[time.Duration]{
		rule:  rule,
		types: []string{"!!str", "!!int"},
		parse: func(s string) (time.Duration, *mistake) {
			d, err := parseDuration(s)
			if err != nil || !valid(d) {
				return 0, &mistake{}
			}
			return d, nil
		},
		show: func(d time.Duration) any { return FormatDuration(d) },
	}
}

// parseDuration reads "90s" and "1h30m" as Go does, and "10d", "4w" and "1w2d" as Prometheus does (a day is 24 hours).
func parseDuration(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return d, nil
	}
	d, err := model.ParseDuration(s)
	return time.Duration(d), err
}

// FormatDuration writes what parseDuration reads back unchanged.
func FormatDuration(d time.Duration) string {
	switch {
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d < day || d%time.Millisecond != 0:
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

// size is a number of bytes, plain or as "64KiB" or "1MB".
func size(low, high int64) form[int64] {
	return form[int64]{
		rule:  fmt.Sprintf("must be a size between %s and %s", formatSize(low), formatSize(high)),
		types: []string{"!!str", "!!int"},
		parse: func(s string) (int64, *mistake) {
			n, err := parseSize(s)
			if err != nil || n < low || n > high {
				return 0, &mistake{}
			}
			return n, nil
		},
		show: func(n int64) any { return formatSize(n) },
	}
}

func parseSize(s string) (int64, error) {
	if s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		s += "B"
	}
	return units.ParseStrictBytes(s)
}

func formatSize(n int64) string { return units.Base2Bytes(n).String() }
