package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// Listeners has the sockets of one process, by what is served there.
type Listeners struct {
	Plain, TLS, Redirect []net.Listener
	Admin                net.Listener
	Metrics              []net.Listener
}

// Open binds every address of cfg, or none. It takes the sockets that systemd passed; a socket that no address names is an
// error, because clients would wait in its queue for ever.
func Open(ctx context.Context, cfg *config.Config) (*Listeners, error) {
	passed, err := systemdSockets()
	if err != nil {
		return nil, err
	}
	passed.claim(cfg.Listeners())
	o := opener{ctx: ctx, sockets: cfg.Sockets, passed: passed}
	l := &Listeners{
		Plain:    o.open("listen", cfg.Listen),
		TLS:      o.open("tls.listen", cfg.TLS.Listen),
		Redirect: o.open("tls.redirect_from", cfg.TLS.RedirectFrom),
	}
	admin := o.open("admin.listen", []string{cfg.Admin.Listen})
	l.Metrics = o.open("metrics.listen", cfg.Metrics.Listen)
	if o.err == nil && len(admin) > 1 {
		o.err = fmt.Errorf("listening on admin.listen: systemd passed %d sockets, it takes one", len(admin))
	}
	if o.err == nil {
		o.err = passed.leftOver()
	}
	if o.err != nil {
		return nil, errors.Join(o.err, closeAll(o.opened), passed.close())
	}
	l.Admin = admin[0]
	return l, nil
}

// opener opens one list of addresses after the other and remembers the first error.
type opener struct {
	ctx     context.Context
	sockets config.Sockets
	passed  *passedSockets
	opened  []net.Listener
	err     error
}

func (o *opener) open(key string, addresses []string) []net.Listener {
	var all []net.Listener
	for _, l := range config.NumberedListeners(key, addresses) {
		if o.err != nil {
			break
		}
		opened, err := o.one(l.Address)
		if err != nil {
			o.err = fmt.Errorf("listening on %s: %w%s", l.Key, err, remedy(l.Address, err))
		}
		all, o.opened = append(all, opened...), append(o.opened, opened...)
	}
	return all
}

func (o *opener) one(address string) ([]net.Listener, error) {
	if strings.HasPrefix(address, config.Systemd) {
		return o.passed.take(address)
	}
	if path, ok := strings.CutPrefix(address, config.UnixPrefix); ok {
		l, err := listenUnix(o.ctx, path, o.sockets.Mode, o.sockets.Owner)
		return some(l, err)
	}
	var lc net.ListenConfig
	return some(lc.Listen(o.ctx, "tcp", address))
}

func some(l net.Listener, err error) ([]net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

func closeAll(all []net.Listener) error {
	var err error
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}

// public returns the listeners of clients.
func (l *Listeners) public() []net.Listener { return slices.Concat(l.Plain, l.TLS, l.Redirect) }

// Close closes all of them.
func (l *Listeners) Close() error {
	return closeAll(slices.Concat(l.public(), l.Metrics, []net.Listener{l.Admin}))
}

// LogAttrs returns the addresses as attributes of a log line.
func (l *Listeners) LogAttrs() []any {
	return []any{"listen", addressesOf(l.Plain), "tls", addressesOf(l.TLS), "redirect", addressesOf(l.Redirect), "admin", listenerAddress(l.Admin), "metrics", addressesOf(l.Metrics)}
}

func addressesOf(all []net.Listener) string {
	var texts []string
	for _, l := range all {
		texts = append(texts, listenerAddress(l))
	}
	return strings.Join(texts, " ")
}

func listenerAddress(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return config.UnixPrefix + l.Addr().String()
	}
	return l.Addr().String()
}

// Remedies has what an operator can do about an address that is in use, forbidden or wrong.
type Remedies struct{ InUse, Forbidden, Wrong string }

// RemediesFor returns the remedies for an address of the configuration.
func RemediesFor(address string) Remedies {
	if strings.HasPrefix(address, config.UnixPrefix) {
		return Remedies{
			InUse:     "End the program that listens there, or write another path.",
			Forbidden: "Write a path in a folder that the gateway may use.",
			Wrong:     "Write the path of a socket in an existing folder, as in unix:/run/cocart-gateway/http.sock.",
		}
	}
	return Remedies{
		InUse:     "End the program that listens there (ss -ltnp shows it), or write another port.",
		Forbidden: "Write a port above 1023, or give the gateway CAP_NET_BIND_SERVICE.",
		Wrong:     "Write an address of this machine, or only a port, as in :8080.",
	}
}

// remedy returns what to append to the error of an address; "" if the error says enough.
func remedy(address string, err error) string {
	all := RemediesFor(address)
	var text string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		text = all.InUse
	case strings.HasPrefix(address, config.UnixPrefix), strings.HasPrefix(address, config.Systemd):
		return ""
	case errors.Is(err, fs.ErrPermission):
		text = all.Forbidden
	default:
		text = all.Wrong
	}
	return "; " + strings.ToLower(text[:1]) + strings.TrimSuffix(text[1:], ".")
}

// Available returns nil if the gateway can listen on an address of the configuration. It binds a port for a moment, because
// there is no other way to know; of a unix socket it finds out whether a process accepts connections, because the file
// may be left over. A process in the way makes it syscall.EADDRINUSE.
func Available(ctx context.Context, address string) error {
	if strings.HasPrefix(address, config.Systemd) {
		return nil
	}
	if path, isUnix := strings.CutPrefix(address, config.UnixPrefix); isUnix {
		return availablePath(ctx, path)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// ErrSystemdAddress is the error of DialAddress for a socket that systemd passes: only its socket unit has the address.
var ErrSystemdAddress = errors.New("admin.listen is a socket of systemd: its address is in its socket unit only")

// DialAddress returns where a process on the same machine reaches what listens on an address of the configuration.
func DialAddress(listen string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(listen, config.UnixPrefix); ok {
		return "unix", path, nil
	}
	if strings.HasPrefix(listen, config.Systemd) {
		return "", "", ErrSystemdAddress
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", "", err
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "", err == nil && ip == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && ip == netip.IPv6Unspecified():
		host = "::1"
	}
	return "tcp", net.JoinHostPort(host, port), nil
}

// Dial connects to what listens on an address of the configuration.
func Dial(ctx context.Context, listen string) (net.Conn, error) {
	network, address, err := DialAddress(listen)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
