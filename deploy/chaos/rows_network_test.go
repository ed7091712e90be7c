package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

// linked starts three gateways that reach their Redis over links of their own.
func linked(w *world) {
	w.redis = tokenstest.Redis(w.t)
	for range 3 {
		w.links = append(w.links, newLink(w.t, w.redis.Addr()))
	}
	w.startGateways(func(i int) string { return fmt.Sprintf("{address: %q}", w.links[i].address()) }, "")
}

func networkRows() []row {
	every := func(change func(*link)) func(*world) func() {
		return func(w *world) func() {
			for _, l := range w.links {
				change(l)
			}
			return w.healLinks
		}
	}
	first := func(change func(*link)) func(*world) func() {
		return func(w *world) func() { change(w.links[0]); return w.healLinks }
	}
	return []row{
		{id: "A8", what: "Redis 400 ms away", set: linked, lasts: 10 * time.Second, goal: goal{late: true}, fault: every(func(l *link) { l.slow(200 * time.Millisecond) })},
		{id: "A8b", what: "Redis 1.4 s away", set: linked, lasts: 10 * time.Second, goal: goal{late: true}, fault: every(func(l *link) { l.slow(700 * time.Millisecond) })},
		{id: "A9", what: "one gateway's connections to Redis reset", set: linked, lasts: 10 * time.Second, short: true, goal: goal{late: true}, fault: first((*link).sever)},
		{id: "A9b", what: "one gateway's packets to Redis dropped", set: linked, lasts: 12 * time.Second, goal: goal{late: true}, fault: first((*link).drop)},
	}
}

func (w *world) healLinks() {
	for _, l := range w.links {
		l.heal()
	}
}

func failoverRows() []row {
	return []row{
		{id: "S1", what: "SENTINEL FAILOVER, with redis.wait_replicas", set: watched(1), lasts: 8 * time.Second, fault: func(w *world) func() {
			c := w.sentinel.Sentinels[0].Client()
			defer c.Close()
			if err := c.Do(context.Background(), "SENTINEL", "FAILOVER", tokenstest.SentinelMaster).Err(); err != nil {
				w.t.Error(err)
			}
			return func() {}
		}},
		{id: "S2", what: "Sentinel's master killed", set: watched(0), lasts: 4 * time.Second, short: true, fault: func(w *world) func() {
			w.sentinel.FailOver()
			return func() {}
		}},
		{id: "R1", what: "the cluster's first master killed", set: clustered, lasts: 4 * time.Second, short: true, fault: func(w *world) func() {
			w.cluster.FailOver()
			return func() {}
		}},
	}
}

// watched starts a master with a replica and Sentinels, and gateways that wait for so many replicas.
func watched(replicas int) func(*world) {
	return func(w *world) {
		w.sentinel = tokenstest.Sentinel(w.t)
		var addresses []string
		for _, s := range w.sentinel.Sentinels {
			addresses = append(addresses, s.Addr())
		}
		line := fmt.Sprintf("{mode: sentinel, master: %q, address: [%s], wait_replicas: %d}", tokenstest.SentinelMaster, strings.Join(addresses, ", "), replicas)
		w.startGateways(func(int) string { return line }, "")
	}
}

func clustered(w *world) {
	w.cluster = tokenstest.Cluster(w.t)
	var addresses []string
	for _, s := range w.cluster.Masters {
		addresses = append(addresses, s.Addr())
	}
	line := fmt.Sprintf("{mode: cluster, address: [%s]}", strings.Join(addresses, ", "))
	w.startGateways(func(int) string { return line }, "")
}
