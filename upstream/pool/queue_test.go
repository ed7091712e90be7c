package pool

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The place came first, but a select between both may take the news of the client.
func TestARequestWhoseClientLeavesJustAsItsPlaceComesLeavesTheQueueOnce(t *testing.T) {
	p, err := New(Config{Origins: []*url.URL{{Scheme: "http", Host: "shop.example"}}, Now: time.Now, Concurrency: Concurrency{Limit: 1, Queue: 1}},
		prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	place, err := p.Take(t.Context(), Claim{Group: Site})
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.queueUp(Claim{Group: Site})
	if err != nil {
		t.Fatal(err)
	}
	place.Leave()
	p.goOnWaiting(w)
	(<-w.ready).Leave()
	if n := p.waiting[Site].clients; n != 0 {
		t.Errorf("%d clients wait in an empty queue", n)
	}
}
