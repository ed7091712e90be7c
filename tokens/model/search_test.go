package model

import (
	"fmt"
	"strings"
)

// found is a violation with the shortest way to it.
type found struct {
	invariant, why string
	trace          []event
}

func (f found) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is violated: %s\n", f.invariant, f.why)
	for i, e := range f.trace {
		fmt.Fprintf(&b, "%3d. %s", i+1, e.action)
		if e.outcome != "" {
			fmt.Fprintf(&b, ": %s", e.outcome)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// login is the state after a login: both tabs have its tokens, and the gateways know of no end.
func login() (s state) {
	s.store.gen = 1
	s.store.by = fromOwner
	s.holds[tab1], s.holds[tab2] = 1, 1
	s.granted[tab1], s.granted[tab2] = 1, 1
	return s
}

type step struct {
	from  int32
	event event
}

// search visits every state within the bounds, the near ones first, and returns the first violation.
func (r rules) search(b bounds) (states int, f *found) {
	order, came := []state{login()}, []step{{from: -1}}
	known := map[state]struct{}{order[0].key(b): {}}
	for i := 0; i < len(order); i++ {
		for _, a := range b.actions(order[i]) {
			next, e := r.apply(order[i], a, b)
			if e.violated == "" {
				next.look(&e)
			}
			if e.violated != "" {
				return len(order), &found{e.violated, e.why, append(trace(came, int32(i)), e)}
			}
			if _, old := known[next.key(b)]; old || next.newest() > b.generations {
				continue
			}
			known[next.key(b)] = struct{}{}
			order, came = append(order, next), append(came, step{int32(i), e})
		}
	}
	return len(order), nil
}

func trace(came []step, at int32) (way []event) {
	for ; came[at].from >= 0; at = came[at].from {
		way = append([]event{came[at].event}, way...)
	}
	return way
}
