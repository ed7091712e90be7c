package pool

import (
	"context"
	"errors"
	"net/http"
)

// mostNodes is how many nodes one request is put to, at most. Each of them may
// take dial_timeout.
const mostNodes = 3

// Send puts a request to the node of its place. What could not be connected goes
// to another node, whatever it is, for nothing of it was sent. What may have been
// read goes to one other node if it is repeatable and broke off before its
// answer began; a timeout never does, because WordPress may be at work on it.
//
// The request must be addressed to that node, and be ours to change.
func (p *Pool) Send(req *http.Request, c Call, pl *Place, repeatable bool) (*http.Response, error) {
	span := startSpan(req, c)
	resp, err := p.send(req, c, pl, repeatable)
	endSpan(span, pl.node.name, resp, err)
	return resp, err
}

func (p *Pool) send(req *http.Request, c Call, pl *Place, repeatable bool) (*http.Response, error) {
	var tried []*Node
	repeatable = repeatable && bodiless(req)
	for {
		n := pl.node
		resp, connected, err := n.do(req, c, repeatable, len(p.nodes) > 1)
		if err == nil {
			p.answered(n)
			keepMoving(resp, p.bodyTimeout, pl)
			return resp, nil
		}
		p.failedWith(n, req, connected, err)
		tried = append(tried, n)
		broke := connected && !isDial(err)
		if !mayMove(req.Context(), err, broke, repeatable, len(tried)) {
			return nil, Classify(err)
		}
		if failed := pl.move(req.Context(), tried); errors.Is(failed, errNoOther) {
			return nil, Classify(err)
		} else if failed != nil {
			return nil, failed
		}
		p.metrics.moved(broke)
		repeatable = repeatable && !broke
		req = pl.node.addressed(req)
	}
}

func mayMove(ctx context.Context, err error, broke, repeatable bool, tried int) bool {
	switch {
	case ctx.Err() != nil, tried == mostNodes:
		return false
	case broke:
		return repeatable && !isTimeout(err)
	}
	return true
}

func bodiless(req *http.Request) bool { return noBody(req) && req.Header.Get("Upgrade") == "" }

func noBody(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.Body == empty{}
}
