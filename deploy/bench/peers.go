package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// The names of the candidates, as the report shows them.
const (
	nginxName      = "nginx"
	haproxyName    = "HAProxy"
	haproxyJWTName = "HAProxy jwt_verify HS256"
	caddyName      = "Caddy"
	caddyJWTName   = "Caddy + JWT HS256"
)

// startPeers runs the other proxies. Caddy is left out if there is no binary of it.
func (b *bench) startPeers(ctx context.Context) error {
	nginx, err := b.startNginx(ctx)
	if err != nil {
		return err
	}
	plain, err := b.startHAProxy(ctx, haproxyName, "")
	if err != nil {
		return err
	}
	verifying, err := b.startHAProxy(ctx, haproxyJWTName, `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str HS256 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str `+site+` }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"`+signingSecret+`") 1 }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-User %[var(txn.bearer),jwt_payload_query('$.sub')]`)
	if err != nil {
		return err
	}
	b.peers = []program{nginx, plain, verifying}
	if b.caddyBinary == "" {
		return nil
	}
	caddy, err := b.startCaddy(ctx, caddyName, "")
	if err != nil {
		return err
	}
	caddyJWT, err := b.startCaddy(ctx, caddyJWTName, "verify_jwt "+signingSecret+" "+site)
	b.peers = append(b.peers, caddy, caddyJWT)
	return err
}

func (b *bench) startNginx(ctx context.Context) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	return b.nginx(ctx, nginxName, address, fmt.Sprintf(`
    location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
  }
  upstream shop { server %s; keepalive 512; keepalive_requests 100000000;`, b.origin.address))
}

func (b *bench) startHAProxy(ctx context.Context, name, rules string) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	file, err := b.write(name+".cfg", fmt.Sprintf(`global
  nbthread 2
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  http-reuse always
frontend public
  bind %s%s
  default_backend shop
backend shop
  server shop %s
`, address, rules, b.origin.address))
	if err != nil {
		return program{}, err
	}
	return b.launch(ctx, name, address, "haproxy", "-db", "-f", file)
}

func (b *bench) startCaddy(ctx context.Context, name, rule string) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return program{}, err
	}
	return b.caddy(ctx, name, address, "http://:"+port, rule)
}

// caddy runs one in front of the origin; at is what its Caddyfile calls the site.
func (b *bench) caddy(ctx context.Context, name, address, at, rules string) (program, error) {
	file, err := b.write(name+".Caddyfile", fmt.Sprintf(`{
	admin off
	auto_https disable_redirects
}
%s {
	bind 127.0.0.1
	%s
	reverse_proxy %s {
		transport http {
			keepalive_idle_conns_per_host 512
		}
	}
}
`, at, rules, b.origin.address))
	if err != nil {
		return program{}, err
	}
	return b.launch(ctx, name, address, b.caddyBinary, "run", "--adapter", "caddyfile", "--config", file)
}

// buildCaddy builds Caddy from a module of its own, once: it takes some minutes.
func buildCaddy(ctx context.Context, to string, progress progress) (string, error) {
	file, err := filepath.Abs(filepath.Join(to, "bench-caddy"))
	if err != nil {
		return "", err
	}
	if newerThanSources(file, caddyFolder) {
		return file, nil
	}
	progress.say("Building Caddy, once; this takes some minutes …")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", file, ".") //nolint:gosec // our own words
	cmd.Dir, cmd.Env = caddyFolder, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Caddy: %w\n%s", err, text)
	}
	return file, nil
}

const caddyFolder = "deploy/bench/caddy"

func newerThanSources(file, folder string) bool {
	built, err := os.Stat(file)
	if err != nil {
		return false
	}
	sources, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, s := range sources {
		info, err := s.Info()
		if err != nil || info.ModTime().After(built.ModTime()) {
			return false
		}
	}
	return true
}
