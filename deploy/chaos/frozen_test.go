package chaos

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"cocart-gateway/upstream/upstreamtest"
)

// A gateway process is stopped, as a virtual machine that is paused or moved. Meanwhile sessions end at another one, and
// requests with their tokens wait in its sockets.
func TestAStoppedGatewayReadsWhatEndedBeforeItAnswers(t *testing.T) {
	w := &world{t: t, tally: &tally{}, ended: &endedSessions{}}
	w.wordpress = upstreamtest.Start(t)
	w.wordpress.Lock()
	w.wordpress.Forgets, w.wordpress.Users = true, users(20)
	w.wordpress.Unlock()
	alone()(w)
	stays := w.shopper(2)
	crowd := []*shopper{stays}
	for i := range 15 {
		crowd = append(crowd, w.shopper(i+3))
	}
	w.front = w.gateways[0].public
	for _, s := range crowd {
		if s.enter(); s.access == "" {
			t.Fatalf("no login\n%s", w.tally.story())
		}
		s.sendTo(w.gateways[1].public, http.MethodGet, cart, "", s.access) // the token is verified there once
	}
	pid := w.gateways[1].process.PID()
	freeze(pid)
	defer thaw(pid)
	stopped := time.Now()
	for _, s := range crowd[1:] {
		s.leave()
	}
	ended := w.ended.copy()
	if len(ended) != len(crowd)-1 {
		t.Fatalf("%d sessions ended\n%s", len(ended), w.tally.story())
	}
	var waiting sync.WaitGroup
	for i, e := range ended {
		for range 4 {
			waiting.Go(func() {
				if a := crowd[i+1].sendTo(w.gateways[1].public, http.MethodGet, cart, "", e.access); a.status != http.StatusUnauthorized {
					t.Errorf("a token that ended while the gateway was stopped: %d %.200s", a.status, a.body)
				}
			})
		}
	}
	waiting.Go(func() {
		if a := stays.sendTo(w.gateways[1].public, http.MethodGet, cart, "", stays.access); a.status != http.StatusOK {
			t.Errorf("a token of a session that goes on: %d %.200s", a.status, a.body)
		}
	})
	time.Sleep(time.Until(stopped.Add(2 * time.Second))) // so long it is stopped; the clients wait for four
	thaw(pid)
	waiting.Wait()
}
