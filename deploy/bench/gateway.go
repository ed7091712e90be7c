package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"cocart-gateway/deploy/demo/child"
)

// gateway is a running one, and where it is administrated.
type gateway struct {
	program
	admin string // http://host:port
	redis program
}

func (p *programs) startRedis(ctx context.Context, name string) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	_, port, _ := bytes.Cut([]byte(address), []byte(":"))
	return p.launch(ctx, name, address, "redis-server", "--port", string(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
}

// gatewayOptions are what one gateway of the benchmark has different from another.
type gatewayOptions struct {
	redis string // address; "": a Redis of its own
	keys  string // further lines of tokens.keys
	more  string // further lines of the configuration
}

// startGateway runs the gateway with a real Redis, its log in a file, and default limits. It believes the
// X-Forwarded-For of the benchmark, which thus plays many clients.
func (p *programs) startGateway(ctx context.Context, name string, shop program, o gatewayOptions) (gateway, error) {
	var g gateway
	if o.redis == "" {
		redis, err := p.startRedis(ctx, name+"-redis")
		if err != nil {
			return g, err
		}
		g.redis, o.redis = redis, redis.address
	}
	public, err := freeAddress()
	if err != nil {
		return g, err
	}
	admin, err := freeAddress()
	if err != nil {
		return g, err
	}
	g.admin = "http://" + admin
	file, err := p.write(name+".yaml", fmt.Sprintf("listen: %q\nadmin: {listen: %q, token: %q}\nupstream: {url: %q, secret: %q}\nsite: {url: %q}\n"+
		"redis: {address: %q}\ntrusted_proxies: [127.0.0.0/8]\n%s\ntokens:\n  keys:\n    - {id: main, algorithm: HS256, secret: %q}\n%s",
		public, admin, adminToken, "http://"+shop.address, sharedSecret, site, o.redis, o.more, signingSecret, o.keys))
	if err != nil {
		return g, err
	}
	binary, err := p.build(ctx, "cocart-gateway", "cocart-gateway/cmd/cocart-gateway")
	if err != nil {
		return g, err
	}
	if g.program, err = p.launch(ctx, name, public, binary, "serve", "--config", file); err != nil {
		return g, err
	}
	return g, child.Await(ctx, func() (bool, error) { return g.serves(ctx), nil })
}

func (g gateway) serves(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.admin+"/servez", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // the status says it
	return resp.StatusCode == http.StatusOK
}

// pair are the tokens of a session.
type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// session begins a session of a user.
func (g gateway) session(ctx context.Context, user int) (pair, error) {
	var p pair
	body := fmt.Sprintf(`{"user_id": %d, "login": "customer%d", "fingerprint": "0123456789abcdef0123456789abcdef"}`, user, user)
	return p, g.ask(ctx, http.MethodPost, "/tokens", body, &p)
}

// endAll ends the sessions of a user.
func (g gateway) endAll(ctx context.Context, user int) error {
	return g.ask(ctx, http.MethodDelete, fmt.Sprintf("/sessions?user_id=%d", user), "", nil)
}

func (g gateway) ask(ctx context.Context, method, path, body string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, g.admin+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header = http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return &wrongAnswer{path, resp.StatusCode, ""}
	}
	switch to := answer.(type) {
	case nil:
		return nil
	case *textAnswer:
		text, err := io.ReadAll(resp.Body)
		*to = textAnswer(text)
		return err
	default:
		return json.NewDecoder(resp.Body).Decode(answer)
	}
}

// textAnswer is an answer that is not JSON.
type textAnswer string

// wrongAnswer is the error for an answer with another status than expected.
type wrongAnswer struct {
	path   string
	status int
	body   string
}

func (w *wrongAnswer) Error() string {
	return fmt.Sprintf("%s: status %d %s", w.path, w.status, w.body)
}
