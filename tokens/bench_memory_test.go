package tokens_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

// BenchmarkSessionInRedis reports what one more logged-in customer costs Redis in memory, for the sizing table.
func BenchmarkSessionInRedis(b *testing.B) {
	rdb := tokenstest.Redis(b, "--appendonly", "no").Client()
	w := &world{b, rdb, tokenstest.NewClock()}
	a := w.authority()
	used := func() (bytes int) {
		info, err := rdb.Info(context.Background(), "memory").Result()
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(info) {
			if value, found := strings.CutPrefix(line, "used_memory:"); found {
				bytes, err = strconv.Atoi(strings.TrimSpace(value))
			}
		}
		if err != nil || bytes == 0 {
			b.Fatalf("no used_memory in INFO: %v", err)
		}
		return bytes
	}
	const sessions = 20_000
	for b.Loop() {
		before, who := used(), alice
		for range sessions {
			who.UserID++
			w.login(a, who)
		}
		b.ReportMetric(float64(used()-before)/sessions, "bytes/session")
		if err := rdb.FlushDB(context.Background()).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
