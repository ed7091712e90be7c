package pool

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// downRig is a pool whose nodes all ran into dial_timeout just now, with requests that wait since before.
type downRig struct {
	t        *testing.T
	pool     *Pool
	admitted chan *Place
}

func allDown(t *testing.T, nodes, waiting int) *downRig {
	t.Helper()
	cfg := Config{Now: time.Now, Concurrency: Concurrency{Limit: 1, Queue: 10, Wait: time.Minute}, Health: Health{Failures: 1, Successes: 2}}
	for range nodes {
		cfg.Origins = append(cfg.Origins, &url.URL{Scheme: "http", Host: "shop.example"})
	}
	p, err := New(cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := &downRig{t: t, pool: p, admitted: make(chan *Place, waiting)}
	var all []*Place
	for range nodes {
		place, err := p.Take(t.Context(), Claim{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, place)
	}
	for range waiting {
		go func() {
			place, err := p.Take(context.WithoutCancel(t.Context()), Claim{})
			if err != nil {
				t.Error(err)
			}
			r.admitted <- place
		}()
	}
	synctest.Wait()
	for _, place := range all {
		r.fail(place)
	}
	return r
}

// fail ends the request of a place: it ran into dial_timeout.
func (r *downRig) fail(place *Place) {
	r.pool.failedWith(place.node, &http.Request{}, false, &net.OpError{Op: "dial", Err: context.DeadlineExceeded})
	place.Leave()
}

// want returns the place of the one request that was admitted after d and not before.
func (r *downRig) want(what string, d time.Duration) *Place {
	r.t.Helper()
	start := time.Now()
	select {
	case place := <-r.admitted:
		if got := time.Since(start); got != d {
			r.t.Errorf("%s: admitted after %s, want %s", what, got, d)
		}
		synctest.Wait()
		if len(r.admitted) > 0 {
			r.t.Errorf("%s: several were admitted", what)
		}
		return place
	case <-time.After(50 * time.Second):
		r.t.Fatalf("%s: still waits", what)
	}
	return nil
}

func TestAWaitingRequestDialsAsSoonAsANodeMayBeDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := allDown(t, 1, 3)
		r.fail(r.want("a second after dial_timeout", redial))
		place := r.want("and again", redial)
		r.pool.answered(place.node)
		place.Leave()
		r.want("the node is up", 0)
	})
}

func TestWaitingRequestsFollowTheOneThatReachedANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := allDown(t, 2, 4)
		first := r.admittedAfterRedial()
		r.pool.answered(first[0].node) // it works on it for a while; the other node is being dialled
		first[0].Leave()
		next := r.want("a node was reached", 0)
		if next.node != first[0].node {
			t.Error("at the other node, which is being dialled")
		}
		r.pool.checked(first[1].node, nil) // reached; one more check and it is up
		first[1].Leave()
		if next = r.want("a node was checked", 0); next.node != first[1].node {
			t.Error("at the other node, which is busy")
		}
	})
}

// admittedAfterRedial returns the requests that dial the two nodes.
func (r *downRig) admittedAfterRedial() (all [2]*Place) {
	time.Sleep(redial)
	synctest.Wait()
	if len(r.admitted) != 2 {
		r.t.Fatalf("%d were admitted to 2 nodes", len(r.admitted))
	}
	all[0], all[1] = <-r.admitted, <-r.admitted
	return all
}

// One node is busy but can be reached, the other cannot: the request waits for either.
func TestARequestThatComesWhileAllAreDownWaitsForEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := allDown(t, 2, 0)
		r.pool.reachedForTest(0)
		if _, err := r.pool.Take(t.Context(), Claim{}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		place, err := r.pool.Take(t.Context(), Claim{})
		if err != nil || time.Since(start) != redial {
			t.Errorf("after %s: %v", time.Since(start), err)
		} else if place.node != r.pool.nodes[1] {
			t.Error("at the busy node")
		}
	})
}

func (p *Pool) reachedForTest(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nodes[n].recover()
}

func TestARequestThatNoNodeMayBeDialledForIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := allDown(t, 2, 0)
		if _, err := r.pool.Take(t.Context(), Claim{}); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
	})
}
