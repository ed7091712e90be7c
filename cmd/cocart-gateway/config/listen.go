package config

import (
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Sockets is the settings that all public listeners share.
type Sockets struct {
	ProxyProtocol string        // "off", "accept" or "require"
	DrainDelay    time.Duration // from failing readiness to closing the listeners
	Mode          fs.FileMode   // of unix sockets
	Owner         string        // of unix sockets, "user:group" with either part empty; empty: the process
	Connections   int           // open at once; 0: no limit
	PerAddress    int           // open at once from one address; 0: no limit
	Streams       int           // concurrent requests on one HTTP/2 connection
}

// Addresses that are not host:port.
const (
	UnixPrefix   = "unix:"
	Systemd      = "systemd" // the sockets passed by systemd that no other key names
	SystemdNamed = "systemd:"
)

// socketName is a name for FileDescriptorName= of systemd. It has no colon, which separates names.
var socketName = regexp.MustCompile(`\A[A-Za-z0-9._@-]{1,255}\z`)

// longestSocket is the size of a path in sockaddr_un on every system that releases are built for (unix(7)), without NUL.
const longestSocket = 103

func listenAddress() schema.Form[string] {
	return schema.Text("must be an address to listen on: host:port, :port, unix:/path or systemd", goodListenAddress)
}

func goodListenAddress(s string) bool {
	if path, ok := strings.CutPrefix(s, UnixPrefix); ok {
		return filepath.IsAbs(path) && filepath.Clean(path) == path && len(path) <= longestSocket && !strings.ContainsFunc(path, unicode.IsControl)
	}
	if name, ok := strings.CutPrefix(s, SystemdNamed); ok {
		return socketName.MatchString(name)
	}
	host, port, err := net.SplitHostPort(s)
	return s == Systemd || err == nil && (host == "" || schema.GoodHost(host)) && schema.GoodPort(port, 0)
}

var socketOwnerPattern = regexp.MustCompile(`\A([A-Za-z0-9_][A-Za-z0-9_.-]*)?:([A-Za-z0-9_][A-Za-z0-9_.-]*)?\z`)

func socketOwner() schema.Form[string] {
	return schema.Text("must be user:group, of which one may be empty", func(s string) bool { return s == "" || socketOwnerPattern.MatchString(s) }).
		Like(":www-data")
}

// fileMode is octal and quoted: to YAML 0660 is a number, and which one depends on its version.
func fileMode() schema.Form[fs.FileMode] {
	return schema.Form[fs.FileMode]{
		Rule:   `must be a file mode of three octal digits in quotes, as in "0660"`,
		Remedy: `write e.g. "0660"`,
		Types:  []string{"!!str"},
		Parse: func(s string) (fs.FileMode, *schema.Mistake) {
			n, err := strconv.ParseUint(s, 8, 32)
			if err != nil || len(s) < 3 || len(s) > 4 || n > 0o777 || n&0o600 != 0o600 {
				return 0, &schema.Mistake{}
			}
			return fs.FileMode(n), nil
		},
		Show: func(m fs.FileMode) any { return fmt.Sprintf("%04o", uint32(m)) },
	}
}

// Listener is an address to listen on with its key.
type Listener struct{ Key, Address string }

// Listeners lists every address of c, in the order of the file.
func (c *Config) Listeners() []Listener {
	all := NumberedListeners("listen", c.Listen)
	all = append(all, NumberedListeners("tls.listen", c.TLS.Listen)...)
	all = append(all, NumberedListeners("tls.redirect_from", c.TLS.RedirectFrom)...)
	all = append(all, Listener{"admin.listen", c.Admin.Listen})
	return append(all, NumberedListeners("metrics.listen", c.Metrics.Listen)...)
}

// NumberedListeners gives each of several addresses of one key its number.
func NumberedListeners(key string, addresses []string) []Listener {
	var all []Listener
	for i, a := range addresses {
		all = append(all, Listener{numbered(key, i, len(addresses)), a})
	}
	return all
}

// block is the key without the number of an item.
func (l Listener) block() string {
	key, _, _ := strings.Cut(l.Key, "[")
	return key
}

func checkListeners(c *Config, r *schema.Reader) {
	checkSockets(c, r)
	all := c.Listeners()
	for i, a := range all {
		for _, b := range all[i+1:] {
			if r.Sound(a.block(), b.block()) && sameSocket(a.Address, b.Address) {
				r.Report(r.At(b.Key, b.block(), a.Key, a.block()), twice(a, b))
			}
		}
	}
	checkOrigins(c, r)
}

func twice(a, b Listener) schema.Mistake {
	m := schema.Mistake{Value: fmt.Sprintf("is the same %s twice: %s is %s and %s is %s", schema.IfElse(strings.HasPrefix(a.Address, UnixPrefix) ||
		strings.HasPrefix(a.Address, Systemd), "socket", "port"), a.Key, a.Address, b.Key, b.Address),
		Rule: "must be two, since each serves different requests", Remedy: "change one of them"}
	if b.Key == "admin.listen" {
		m.Rule = "must be two ports, since customers must not reach what admin.listen serves"
	}
	return m
}

// checkSockets refuses a gateway without a public listener, and a PROXY protocol without a trusted sender.
func checkSockets(c *Config, r *schema.Reader) {
	if len(c.Listen)+len(c.TLS.Listen) == 0 && r.Sound("listen", "tls.listen") {
		r.Reject(r.At("listen"), "is an empty list, as is tls.listen", "must have an address, in listen or in tls.listen", "write e.g. 127.0.0.1:8080")
	}
	if c.Sockets.ProxyProtocol != "off" && len(c.TrustedProxies) == 0 && r.Sound("proxy_protocol", "trusted_proxies") && !c.unixOnly() {
		r.Reject(r.At("proxy_protocol"), "is "+c.Sockets.ProxyProtocol+", but trusted_proxies is empty",
			"requires the addresses that may send the header: otherwise every connection is refused", "list your load balancers under trusted_proxies")
	}
}

func (c *Config) unixOnly() bool {
	for _, l := range c.Listeners() {
		if l.Key != "admin.listen" && l.block() != "metrics.listen" && !strings.HasPrefix(l.Address, UnixPrefix) {
			return false
		}
	}
	return true
}

// schemeHeaderNames is the default of server.scheme_headers, in order of precedence.
var schemeHeaderNames = []string{"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "Front-End-Https", "CloudFront-Forwarded-Proto"}

func checkSchemeHeaders(c *Config, r *schema.Reader) {
	const key = "server.scheme_headers"
	if !r.Sound(key) {
		return
	}
	if len(c.Server.SchemeHeaders) == 0 {
		r.Reject(r.At(key), "is an empty list", "must name at least one header", "write [X-Forwarded-Proto]")
	}
	for i, name := range c.Server.SchemeHeaders {
		if slices.Contains(c.Server.SchemeHeaders[:i], name) {
			r.Reject(r.At(key), "has "+name+" twice", "must name each header once", "remove one")
		}
	}
}
