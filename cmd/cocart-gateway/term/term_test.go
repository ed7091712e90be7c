package term

import (
	"testing"
	"time"
)

func TestTimesInWords(t *testing.T) {
	now := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		away time.Duration
		want string
	}{
		{0, "just now"},
		{400 * time.Millisecond, "just now"},
		{time.Second, "in 1 second"},
		{-time.Second, "1 second ago"},
		{-90 * time.Second, "90 seconds ago"},
		{-2 * time.Minute, "2 minutes ago"},
		{90 * time.Minute, "in 90 minutes"},
		{47 * time.Hour, "in 47 hours"},
		{48 * time.Hour, "in 2 days"},
		{-400 * 24 * time.Hour, "400 days ago"},
	} {
		if got := Relative(now, now.Add(row.away)); got != row.want {
			t.Errorf("%v: %q, want %q", row.away, got, row.want)
		}
	}
}
