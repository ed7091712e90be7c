package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"syscall"
	"time"
)

// listeners looks at both ports: free, or held by a gateway that runs. Binding them for a moment is the only way to
// know.
func (r *report) listeners(ctx context.Context, cfg *Config) {
	running := runningVersion(ctx, cfg.Admin.Listen)
	r.listener(ctx, "admin", "admin.listen", cfg.Admin.Listen, running)
	r.listener(ctx, "public", "listen", cfg.Listen, running)
}

func (r *report) listener(ctx context.Context, id, key, address, running string) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = l.Close() // nobody was served
		r.ok(id, "%s %s is free.", key, address)
	case errors.Is(err, syscall.EADDRINUSE) && running == version:
		r.ok(id, "%s %s is held by a running gateway.", key, address)
	case errors.Is(err, syscall.EADDRINUSE) && running != "":
		r.warn(id, key+" "+address+" is held by a running gateway of version "+running+"; this is "+version+".", "Restart the gateway after an upgrade.")
	case errors.Is(err, syscall.EADDRINUSE):
		r.problem(id, key+" "+address+" is held by another program.", "End that program, or write another port.")
	case errors.Is(err, fs.ErrPermission):
		r.problem(id, "This user may not listen on "+key+" "+address+".", "Write a port above 1023, or give the gateway CAP_NET_BIND_SERVICE.")
	default:
		r.problem(id, "Nobody can listen on "+key+" "+address+": "+cause(err)+".", "Write an address of this machine, or only a port, as in :8080.")
	}
}

// cause is the innermost error, without the addresses that the outer ones repeat.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			all := several.Unwrap()
			inner = all[len(all)-1]
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

var buildInfo = regexp.MustCompile(`^cocart_gateway_build_info\{.*\bversion="([^"]*)"`)

// runningVersion is what the metrics of the gateway on this address say; "" if there is none.
func runningVersion(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	host, port, _ := net.SplitHostPort(address)
	if everywhere(host) {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/metrics", nil)
	if err != nil {
		return ""
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy of the environment
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if m := buildInfo.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	return ""
}
