package admin

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

func TestOnlyNamesThatNoAttackerCanHaveAreKnown(t *testing.T) {
	listed := []string{"metrics.internal", "*.svc.cluster.local"}
	for host, want := range map[string]bool{
		"127.0.0.1:9090": true, "[::1]:9090": true, "10.0.0.7": true, "192.0.2.1:9090": true, "localhost:9090": true, "LOCALHOST": true,
		"a.localhost": true, "localhost.": true, "gateway:9090": true, "": true, "metrics.internal": true, "Metrics.Internal:9090": true,
		"gateway.shop.svc.cluster.local:9090": true,

		"evil.example": false, "evil.example:9090": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false,
		"metrics.internal.evil.example": false, "evil-metrics.internal": false, "svc.cluster.local": false,
		"127.0.0.1.": true, "127.1.nip.example": false, "evil.example:x": false,
	} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = host
		if got := knownHost(r, listed); got != want {
			t.Errorf("%q is known: %t", host, got)
		}
	}
}

func TestWrongTokensAreCountedByAddressForAMinute(t *testing.T) {
	var w wrongTokens
	now := time.Unix(1_000_000, 0)
	try := func(address string) time.Duration {
		r := httptest.NewRequest("GET", "/sessions", nil)
		r.RemoteAddr = address
		if wait := w.wait(r, now); wait > 0 {
			return wait
		}
		w.count(r, now)
		return 0
	}
	for i := range 10 {
		if wait := try(fmt.Sprintf("[2001:db8::%d]:4711", i)); wait != 0 { // one /64
			t.Errorf("attempt %d waits for %s", i, wait)
		}
	}
	now = now.Add(20 * time.Second)
	for address, want := range map[string]time.Duration{
		"[2001:db8::99]:1": 40 * time.Second, "[2001:db8:0:1::1]:1": 0, "192.0.2.1:1": 0, "@": 0,
	} {
		if wait := try(address); wait != want {
			t.Errorf("%s waits for %s, want %s", address, wait, want)
		}
	}
	if now = now.Add(40 * time.Second); try("[2001:db8::1]:1") != 0 {
		t.Error("it waits when the minute is over")
	}
	for i := range 5000 { // a botnet gets no more memory, and no more attempts than one address once that is full
		try(fmt.Sprintf("10.0.%d.%d:1", i/250, i%250))
	}
	if try("10.9.9.9:1") == 0 {
		t.Error("addresses that are not watched have no limit")
	}
}
