package upstream

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"cocart-gateway/upstream/pool"
)

// maxProbe bounds what is read of an answer to a probe, and maxPrinted what
// PHP may have printed before the JSON in it.
const (
	maxProbe   = 1 << 20
	maxPrinted = 4 << 10
)

// Probe is one answer of WordPress to a question of the gateway, for an operator.
// No client causes it or sees it.
type Probe struct {
	Status int
	// Header still has our own headers in it.
	Header http.Header
	Body   []byte // at most 1 MiB of it; of JSON what is left without Printed
	// Printed is what PHP printed before the JSON: a byte order mark, a warning.
	Printed string
	// Code is what a WordPress error calls itself, as in rest_no_route; else "".
	Code string
	// Plugin is the version of the must-use plugin; "" if the assertion was refused
	// or not read.
	Plugin string
	// Sent is when it was asked, and Took how long the whole answer took.
	Sent time.Time
	Took time.Duration

	asked  claims
	signed string
	theirs int64 // when the plugin signed its answer, by WordPress's clock; 0 if it did not
}

// Node is one of the servers that WordPress runs on, to be asked by itself.
// Whether requests are sent to it at the moment does not matter.
type Node struct {
	wordpress *WordPress
	node      *pool.Node
}

// Nodes are all of them, as [Config] has them.
func (w *WordPress) Nodes() []Node {
	var nodes []Node
	for _, n := range w.pool.Nodes() {
		nodes = append(nodes, Node{w, n})
	}
	return nodes
}

// Name is what metrics call it: host:port, or the path of a socket.
func (n Node) Name() string { return n.node.Name() }

// Ping asks for the REST index and returns the version of the must-use plugin,
// which is empty where that did not show itself. A 5xx is an error.
func (n Node) Ping(ctx context.Context) (plugin string, err error) {
	return n.wordpress.probe(ctx, n.node, "")
}

// Probe asks for a target, a path below the address of the site with or without
// a query, as a guest. An error means that there was no answer: [ErrUnavailable],
// [ErrTimeout], or [ErrBadReply] for a switch to another protocol.
func (n Node) Probe(ctx context.Context, a Assertion, target string) (*Probe, error) {
	return n.probeAs(ctx, n.wordpress.host, a, target)
}

func (n Node) probeAs(ctx context.Context, host string, a Assertion, target string) (*Probe, error) {
	w := n.wordpress
	target = w.pingPath + target
	address, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("preparing a probe: %w", err)
	}
	req := (&http.Request{
		Method: http.MethodGet, URL: address, Host: cmp.Or(w.fixedHost, host), Header: http.Header{"User-Agent": {"cocart-gateway"}},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if a.Kind == Status {
		req.Header.Set("Authorization", statusAuthorization)
	}
	a.carried = w.headers.addTo(req.Header)
	p := &Probe{asked: w.assert(w.clockOf(n.node), a, req.Method, req.Host, target), Sent: w.now()}
	p.signed = (*w.keys.Load())[0].sign(&p.asked)
	req.Header.Set(assertionHeader, p.signed)
	return p, w.fill(n.node, req, p)
}

func (w *WordPress) fill(n *pool.Node, req *http.Request, p *Probe) error {
	resp, err := n.Ask(req, pool.SiteCall)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 { // as in probe
		return fmt.Errorf("%w: it answered %d", ErrBadReply, resp.StatusCode)
	}
	if p.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxProbe)); err != nil {
		return readingError(err)
	}
	p.Printed, p.Body = beforeJSON(p.Body)
	p.Status, p.Header, p.Plugin, p.Took = resp.StatusCode, resp.Header, resp.Header.Get(pluginHeader), w.now().Sub(p.Sent)
	var failure struct{ Code string }
	if json.Unmarshal(p.Body, &failure) == nil { // a page has no code
		p.Code = failure.Code
	}
	return nil
}

// beforeJSON parts an object from what stands before it. A page has none.
func beforeJSON(body []byte) (printed string, rest []byte) {
	for at := range body[:min(len(body), maxPrinted)] {
		if body[at] == '{' && json.Valid(body[at:]) {
			return string(body[:at]), body[at:]
		}
	}
	return "", body
}
