package schema

import (
	"testing"
	"time"
)

func TestDurationIsWrittenInItsShortForm(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s":      0,
		"1.5s":    1500 * time.Millisecond,
		"90ns":    90,
		"1m":      time.Minute,
		"1m30s":   90 * time.Second,
		"10m":     10 * time.Minute,
		"1h":      time.Hour,
		"1h0m5s":  time.Hour + 5*time.Second,
		"10h10m":  10*time.Hour + 10*time.Minute,
		"1d12h":   36 * time.Hour,
		"28d":     28 * Day,
		"365d":    365 * Day,
		"1d500ms": Day + 500*time.Millisecond,
	} {
		got := FormatDuration(d)
		if back, err := ParseDuration(got); err != nil || back != d {
			t.Errorf("%s is read back as %s: %v", got, back, err)
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
