package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"cocart-gateway/deploy/bench/figures"
)

// counter stands between a gateway and its Redis, and counts round trips: how often the gateway sends commands after an
// answer, whatever the number of commands. What one request causes one after the other are its sequential round trips;
// two at the same time, on two connections, would count as two.
type counter struct {
	to    string
	trips atomic.Int64
}

// startCounter listens until the context ends, and gives its address.
func startCounter(ctx context.Context, to string) (*counter, string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	c := &counter{to: to}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go c.serve(ctx, l)
	return c, l.Addr().String(), nil
}

func (c *counter) serve(ctx context.Context, l net.Listener) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		to, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.to)
		if err != nil {
			_ = from.Close()
			continue
		}
		var asked atomic.Bool
		go c.copy(to, from, func(commands []byte) {
			// The follower of the revocations waits all the time, for no request.
			if !bytes.Contains(bytes.ToLower(commands), []byte("xread")) && !asked.Swap(true) {
				c.trips.Add(1)
			}
		})
		go c.copy(from, to, func([]byte) { asked.Store(false) })
	}
}

func (c *counter) copy(to, from net.Conn, seen func([]byte)) {
	defer func() { _, _ = to.Close(), from.Close() }() // the other direction ends with this one
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			seen(buffer[:n])
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// trips counts those of single requests, each at a time when nothing else happens. The first one of each kind warms up.
func (b *bench) trips(ctx context.Context) ([]figures.Row, error) {
	p, err := b.counted.session(ctx, 1)
	if err != nil {
		return nil, err
	}
	client := tripClient{ctx: ctx, url: "http://" + b.counted.address, trips: &b.counter.trips}
	validated, err := client.median(func(int) *http.Request { return client.post(validate, "", p.Access) })
	if err != nil {
		return nil, err
	}
	token := p.Refresh
	client.seen = func(body string) {
		_, token, _ = strings.Cut(body, `"refresh_token":"`)
		token, _, _ = strings.Cut(token, `"`)
	}
	refreshed, err := client.median(func(int) *http.Request { return client.post(refresh, `{"refresh_token":"`+token+`"}`, "") })
	if err != nil {
		return nil, err
	}
	client.seen = nil
	first, err := client.median(func(i int) *http.Request { return client.post(login, loginBody(10_000+i), "") })
	if err != nil {
		return nil, err
	}
	again, err := client.median(func(i int) *http.Request { return client.post(login, loginBody(10_000+i), "") })
	if err != nil {
		return nil, err
	}
	return []figures.Row{
		figures.AtMost("6-validate", "Redis round trips of a validation", validated, 0, ""),
		figures.AtMost("6-refresh", "Redis round trips of a refresh, one server", refreshed, 1, ""),
		figures.AtMost("6-login", "Redis round trips of a login, one server", again, 2, ""),
		figures.AtMost("6-login-first", "Redis round trips of the first login under a name, one server", first, 2, ""),
	}, nil
}

type tripClient struct {
	ctx   context.Context
	url   string
	trips *atomic.Int64
	seen  func(body string)
}

func (c tripClient) post(path, body, bearer string) *http.Request {
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the address is our own
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (c tripClient) median(request func(i int) *http.Request) (figures.Range, error) {
	var counts []float64
	for i := range 12 {
		before := c.trips.Load()
		resp, err := http.DefaultClient.Do(request(i))
		if err != nil {
			return figures.Range{}, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil {
			return figures.Range{}, err
		}
		if resp.StatusCode != http.StatusOK {
			return figures.Range{}, &wrongAnswer{resp.Request.URL.Path, resp.StatusCode, string(body)}
		}
		if c.seen != nil {
			c.seen(string(body))
		}
		if i > 0 {
			counts = append(counts, float64(c.trips.Load()-before))
		}
	}
	return figures.Over(counts), nil
}
