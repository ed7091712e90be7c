package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"cocart-gateway/upstream/pool"
)

// Run checks the nodes until ctx ends, whose error it returns. A single node is
// not checked: its requests show its state, and [WordPress.Ping] that it is back.
func (w *WordPress) Run(ctx context.Context) error { return w.pool.Run(ctx, w.checkNode) }

// Check asks every node once, all at the same time, and waits for their answers.
func (w *WordPress) Check(ctx context.Context) { w.pool.Check(ctx, w.checkNode) }

func (w *WordPress) checkNode(ctx context.Context, n *pool.Node, path string) error {
	_, err := w.probe(ctx, n, path)
	return err
}

// PingResult is what a health check learnt.
type PingResult struct {
	// Plugin is the version of the must-use plugin, empty when one of the nodes
	// that answered did not show it: it is not installed there, or it has another
	// secret.
	Plugin string
	// Nodes is what became of each, by its name: nil, or why it is unusable.
	Nodes map[string]error
}

// Ping asks each node for its REST index and reports whether PHP answered at all;
// a 5xx is an error. It fails if that is so at every node. It costs each of them
// one request, so callers keep the answer for some seconds. A single node that was
// taken to be down is up again once it answers: there may be no customers whose
// requests would show it.
func (w *WordPress) Ping(ctx context.Context) (PingResult, error) {
	nodes := w.pool.Nodes()
	plugins, errs := make([]string, len(nodes)), make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, n := range nodes {
		asked.Go(func() {
			plugins[i], errs[i] = w.probe(ctx, n, "")
			if errs[i] == nil || errors.Is(errs[i], ErrBadReply) {
				w.pool.Pinged(n)
			}
		})
	}
	asked.Wait()
	result, good := PingResult{Nodes: map[string]error{}}, 0
	for i, n := range nodes {
		result.Nodes[n.Name()] = errs[i]
		if errs[i] != nil {
			continue
		}
		if good++; good == 1 || plugins[i] == "" {
			result.Plugin = plugins[i]
		}
	}
	if good == 0 {
		return result, errors.Join(errs...)
	}
	return result, nil
}

// probe asks one node for a path, or for the REST index, and returns the version
// of its plugin.
func (w *WordPress) probe(ctx context.Context, n *pool.Node, path string) (string, error) {
	target := path
	if path == "" {
		target = w.pingPath + "?rest_route=/"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+w.host+target, nil)
	if err != nil {
		return "", fmt.Errorf("preparing a ping: %w", err)
	}
	req.Host = cmp.Or(w.fixedHost, w.host)
	carried := w.headers.addTo(req.Header)
	req.Header.Set(assertionHeader, w.sign(w.clockOf(n), Assertion{Kind: Site, carried: carried}, req.Method, req.Host, target))
	start := time.Now()
	resp, err := n.Ask(req, pool.SiteCall)
	if err != nil {
		w.metrics.observe("ping", outcome(0, err), start)
		return "", err
	}
	w.metrics.observe("ping", outcome(resp.StatusCode, nil), start)
	defer resp.Body.Close()
	if resp.StatusCode < 200 { // 101: a body does not follow, and no deadline ends the connection
		return "", fmt.Errorf("%w: ping answered %d", ErrBadReply, resp.StatusCode)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection is kept
	if resp.StatusCode >= 500 || path != "" && resp.StatusCode >= 400 {
		return "", fmt.Errorf("%w: ping answered %d", ErrBadReply, resp.StatusCode)
	}
	return resp.Header.Get(pluginHeader), nil
}
