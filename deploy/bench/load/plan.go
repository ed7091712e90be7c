// Package load sends HTTP/1.1 requests as fast as they are answered, and says how many there were and how long they
// took. It costs little itself: one thread, one event loop, no allocation for a request.
//
//	plan.go     what is sent, and the result
//	loop.go     the event loop
//	conn.go     one connection: write a request, read its answer
//	answer.go   where an answer ends
//	request.go  the parts of a request that differ from one to the next
package load

import (
	"fmt"
	"slices"
	"time"
)

// Plan is what is sent.
type Plan struct {
	Address     string        // host:port, on loopback
	Connections int           // each has one request at a time
	Time        time.Duration // afterwards no request begins; those on their way are awaited
	Least       int           // unless fewer than these were answered
	// Requests are sent in turn, byte for byte, but for Address and Number and Carried in them: see request.go.
	Requests [][]byte
	// Status is that of a right answer. The others are counted as wrong.
	Status int
	// Field names the JSON field, a string, of an answer that takes the place of Carried in a later request. Chains
	// are its first values; there must be more than connections. Empty: nothing is carried.
	Field  string
	Chains []string
}

// Result is what came back.
type Result struct {
	Requests int           // answered ones, whatever the status
	Wrong    int           // those with another status, and connections that broke
	Example  string        // the beginning of a wrong answer
	Took     time.Duration // from the first request to the last answer
	P50, P99 time.Duration
	Chains   []string // the values that no request has carried yet, for the next plan
}

// Rate is requests per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Took.Seconds() }

func (r *Result) times(all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	r.P50, r.P99 = all[len(all)/2], all[len(all)*99/100]
}

func (p Plan) check() error {
	switch {
	case p.Connections < 1, len(p.Requests) == 0:
		return fmt.Errorf("%d connections and %d requests: nothing to send", p.Connections, len(p.Requests))
	case p.Field != "" && len(p.Chains) < p.Connections:
		return fmt.Errorf("%d chains are not enough for %d connections", len(p.Chains), p.Connections)
	}
	return nil
}
