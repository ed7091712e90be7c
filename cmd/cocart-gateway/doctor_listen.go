package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"cocart-gateway/cmd/cocart-gateway/certs"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/server"
)

// listeners looks at every address: free, or held by a gateway that runs. Binding a port for a moment is the only way
// to know; a unix socket is asked, since the file of one may be left over.
func (r *report) listeners(ctx context.Context, cfg *config.Config) {
	running := runningVersion(ctx, cfg.Admin.Listen)
	for _, l := range cfg.Listeners() {
		r.listener(ctx, listenerID(l), l.Key, l.Address, running)
	}
}

// listenerID: admin, public for listen, and tls.listen or tls.redirect_from; with the number of one of several.
func listenerID(l config.Listener) string {
	return strings.NewReplacer("admin.listen", "admin", "tls.listen", "tls", "tls.redirect_from", "redirect",
		"listen", "public", "[", ".", "]", "").Replace(l.Key)
}

func (r *report) listener(ctx context.Context, id, key, address, running string) {
	err := server.Available(ctx, address)
	advice := server.RemediesFor(address)
	switch {
	case strings.HasPrefix(address, config.Systemd):
		r.ok(id, "%s %s comes from systemd when it starts the gateway.", key, address)
	case err == nil:
		r.ok(id, "%s %s is free.", key, address)
	case errors.Is(err, syscall.EADDRINUSE) && running == version:
		r.ok(id, "%s %s is held by a running gateway.", key, address)
	case errors.Is(err, syscall.EADDRINUSE) && running != "":
		r.warn(id, key+" "+address+" is held by a running gateway of version "+running+"; this is "+version+".", "Restart the gateway after an upgrade.")
	case errors.Is(err, syscall.EADDRINUSE):
		r.problem(id, key+" "+address+" is held by another program.", advice.InUse)
	case errors.Is(err, fs.ErrPermission):
		r.problem(id, "This user may not listen on "+key+" "+address+".", advice.Forbidden)
	default:
		r.problem(id, "Nobody can listen on "+key+" "+address+": "+cause(err)+".", advice.Wrong)
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

// badCertificate reports whether a server answered with a certificate that we do not trust.
func badCertificate(err error) bool {
	var wrong *tls.CertificateVerificationError
	return errors.As(err, &wrong)
}

func certificateAdvice(group string) string {
	return "Name who vouches for it in " + group + ".tls_ca_file; if it is for another name than the address, that name in " + group + ".tls_server_name."
}

var buildInfo = regexp.MustCompile(`^cocart_gateway_build_info\{.*\bversion="([^"]*)"`)

// runningVersion is what the metrics of the gateway on this address say; "" if there is none.
func runningVersion(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/metrics", nil)
	if err != nil {
		return ""
	}
	transport := &http.Transport{DisableKeepAlives: true, // no proxy of the environment
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialListener(ctx, address) }}
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

// dialListener connects to what listens on an address of the configuration.
func dialListener(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	if path, isUnix := strings.CutPrefix(address, config.UnixPrefix); isUnix {
		return d.DialContext(ctx, "unix", path)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be asked: %w", address, err)
	}
	if config.AllInterfaces(host) {
		host = "127.0.0.1"
	}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}

// storage is what the doctor says of that folder. It makes none: it tries the nearest one that is there.
func (r *report) storage(cfg *config.Config) {
	if !cfg.TLS.ACME.Enabled {
		return
	}
	const id, key = "certificates", "tls.acme.storage"
	folder := cfg.TLS.ACME.Storage
	err := certs.TryFolder(existing(folder))
	switch {
	case err == nil:
		r.ok(id, "This user may write to %s %s.", key, folder)
	case errors.Is(err, fs.ErrPermission):
		r.problem(id, "This user may not write to "+key+" "+folder+".", "Run the doctor as the gateway's user, or give that user the folder.")
	default:
		r.problem(id, "Nobody can write to "+key+" "+folder+": "+cause(err)+".", "Name a folder that the gateway may write to, on a volume if it runs in a container.")
	}
}

// existing is the folder, or the first above it that is there.
func existing(folder string) string {
	for {
		_, err := os.Stat(folder)
		above := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || above == folder {
			return folder
		}
		folder = above
	}
}
