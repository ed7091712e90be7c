package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// streams are the requests at a time on one HTTP/2 connection.
const streams = 8

// RunHTTP2 carries out a plan over HTTP/2 and TLS, with eight requests at a time on each connection, to a server whose
// certificate the authority in a PEM file signed. It costs more than Run. Nothing is carried.
func RunHTTP2(p Plan, authority string) (Result, error) {
	pem, err := os.ReadFile(authority)
	if err := errors.Join(err, p.check()); err != nil {
		return Result{}, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return Result{}, fmt.Errorf("%s has no certificate", authority)
	}
	run := &http2Run{plan: p, end: time.Now().Add(p.Time)}
	var all sync.WaitGroup
	for range p.Connections {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "shop.example", MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, MaxConnsPerHost: 1, DisableCompression: true}
		defer transport.CloseIdleConnections()
		for range streams {
			all.Go(func() { run.stream(transport) })
		}
	}
	began := time.Now()
	all.Wait()
	run.result.Took = time.Since(began)
	run.result.times(run.times)
	return run.result, run.err
}

type http2Run struct {
	plan Plan
	end  time.Time
	n    atomic.Int64

	mu     sync.Mutex
	result Result
	times  []time.Duration
	err    error
}

func (r *http2Run) stream(transport *http.Transport) {
	for time.Now().Before(r.end) {
		n := int(r.n.Add(1))
		began := time.Now()
		status, err := r.one(transport, n)
		if r.count(time.Since(began), status, err); err != nil {
			return
		}
	}
}

func (r *http2Run) count(took time.Duration, status int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = err
		return
	}
	r.times = append(r.times, took)
	r.result.Requests++
	if status != r.plan.Status {
		r.result.Wrong++
	}
}

func (r *http2Run) one(transport *http.Transport, n int) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Until(r.end)+patience)
	defer cancel()
	raw := appendRequest(nil, r.plan.Requests[n%len(r.plan.Requests)], n, "")
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return 0, err
	}
	req = req.WithContext(ctx)
	req.RequestURI, req.URL.Scheme, req.URL.Host = "", "https", r.plan.Address
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // it is read to its end
	if resp.ProtoMajor != 2 {
		return 0, fmt.Errorf("the server speaks %s", resp.Proto)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
