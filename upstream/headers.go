package upstream

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The headers of the wire format. All of them share a prefix that no client
// may send and no client may see.
const (
	reservedPrefix  = "x-cocart-gateway"
	assertionHeader = "X-Cocart-Gateway"          // as net/http spells them; PHP reads any case
	observedHeader  = "X-Cocart-Gateway-Observed" // in place of the first in a dry run
	loginHeader     = "X-Cocart-Gateway-Login"
	endedHeader     = "X-Cocart-Gateway-Ended"
	sessionHeader   = "X-Cocart-Gateway-Session"
	attemptHeader   = "X-Cocart-Gateway-Attempt"
	refusedHeader   = "X-Cocart-Gateway-Refused" // not signed: the plugin believes no assertion
	pluginHeader    = "X-Cocart-Gateway-Plugin"
	statusHeader    = "X-Cocart-Gateway-Status"
)

// clientHeaders are the names under which proxies and plugins look for the
// client's address. CoCart and WooCommerce believe several of them from
// anybody, so each is either removed or made to say what we know.
var clientHeaders = []string{
	"X-Real-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip",
}

// schemeHeaders say the client's scheme to plugins and to snippets in wp-config.php.
// Their word is in X-Forwarded-Proto; a client's own would contradict it.
var schemeHeaders = []string{"Front-End-Https", "Cloudfront-Forwarded-Proto"}

// Origin is where a request came from, as far as trusted proxies report it.
type Origin struct {
	Client netip.Addr // behind the trusted proxies
	Peer   netip.Addr // who is connected to us
	Proto  string     // "https" or "http"
	Host   string     // that the client asked for, as sent: perhaps with a port, or empty
	Port   uint16     // that the client asked for; 0 if unknown
	// Assumed reports that Proto is a default, because the client's scheme is unknown.
	Assumed bool
	// Trusted reports that the peer is a trusted proxy, so that its X-Forwarded-* headers
	// are built upon rather than replaced.
	Trusted bool
}

// dropUnsafe removes every header that PHP could read as one of ours or as one
// that it trusts, and returns how many had an unusual name. PHP files a header
// under its name with every "-", "_" and "." turned into "_", and the last one
// wins; net/http only knows the exact spelling. So any name outside letters, digits
// and "-" goes, as nginx and Apache drop them by default. On requests to the
// storefront names such as api_key stay, where no other reader depends on them.
func dropUnsafe(h http.Header, kind Kind) (unusual int) {
	for name := range h {
		switch {
		case isReserved(name), isAppServers(name), name == "Proxy": // httpoxy, CVE-2016-5385
			delete(h, name)
		case !plainName(name) && (kind != Site || !isOnlyTheShops(h, name)):
			delete(h, name)
			unusual++
		}
	}
	return unusual
}

// isOnlyTheShops reports whether a name with "_" or "." means nothing to the
// gateway, the web server or WordPress, and is not a second spelling of a header
// of this request: an attacker could otherwise replace what the gateway set or
// removed.
func isOnlyTheShops(h http.Header, name string) bool {
	plain := phpSpelling.Replace(name)
	if !plainName(plain) {
		return false
	}
	plain = http.CanonicalHeaderKey(plain)
	if _, twice := h[plain]; twice || slices.Contains(clientHeaders, plain) {
		return false
	}
	return !slices.ContainsFunc(readByOthers, func(name string) bool { return plain == name || strings.HasPrefix(plain, name+"-") })
}

// readByOthers are names, and first words of names, that another reader on the way
// acts on.
var readByOthers = []string{
	"X-Cocart", "Cocart", "Cart", "X-Forwarded", "X-Original", "X-Rewrite", "X-Http", "X-Method", "X-Wp", "X-Request-Id", "X-Scheme",
	"X-Url-Scheme", "X-Proxy", "X-Proxyuser", "X-Sucuri", "X-Real", "X-Ssl", "X-Https", "X-Accel", "X-Sendfile", "Forwarded", "Front-End",
	"Fastly", "Incap", "Cf", "Cloudfront", "Client", "X-Client", "True-Client", "Cluster-Client", "X-Cluster", "Proxy", "Via", "Https", "Host",
	"Authorization", "Redirect", "Cookie", "Content", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer", "Upgrade", "Expect", "Range",
	"If", "Origin", "Referer", "User-Agent", "Sec", "Accept", "Access-Control", "Http", "Http2", "Php", "Server", "Remote", "Script", "Path",
	"Query", "Document", "Gateway", "Auth", "Orig",
}

func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func isReserved(name string) bool {
	return len(name) >= len(reservedPrefix) && strings.EqualFold(name[:len(reservedPrefix)], reservedPrefix)
}

// isAppServers reports whether a header belongs to an app server: its key, and its word about the client's address.
// WordPress needs neither, and a plugin that logs headers would log the key.
func isAppServers(name string) bool {
	plain := http.CanonicalHeaderKey(phpSpelling.Replace(name))
	return plain == "Cocart-App-Server" || plain == "Cocart-Client-Address"
}

// phpSpelling makes one name of those that PHP files under one.
var phpSpelling = strings.NewReplacer("_", "-", ".", "-")

// RemoveReserved removes the gateway's own names from an informational answer (1xx) before it is sent. [WordPress.Forward] does
// it with the header and the trailers of the answer itself.
func RemoveReserved(h http.Header) { dropReserved(h) }

// dropReservedTrailers does the same with the trailers that ReverseProxy has put into the header of the answer, where those
// that were not announced have [http.TrailerPrefix] before their names.
func dropReservedTrailers(h http.Header) {
	dropReserved(h)
	for name := range h {
		if trailer, is := strings.CutPrefix(name, http.TrailerPrefix); is && isReserved(phpSpelling.Replace(trailer)) {
			delete(h, name)
		}
	}
}

// dropReserved keeps our reply headers from the client, and from a WordPress
// page that happens to use their names.
func dropReserved(h http.Header) {
	for name := range h {
		if isReserved(phpSpelling.Replace(name)) {
			delete(h, name)
		}
	}
}

// setForwarded writes the X-Forwarded-* headers. A chain is continued only when
// the peer is a trusted proxy; else what the client claims is thrown away. Host
// is the one that the client asked for, whatever is sent to WordPress.
func setForwarded(out, in *http.Request, o Origin, host string) {
	h := out.Header
	client := text(o.Client)
	peer := client
	if o.Peer != o.Client {
		peer = text(o.Peer)
	}
	chain := peer // a unix socket has no address
	if prior := in.Header["X-Forwarded-For"]; o.Trusted && len(prior) > 0 {
		chain = strings.Join(prior, ", ")
		if peer != "" {
			chain += ", " + peer
		}
	}
	if prior := in.Header.Get("X-Forwarded-Host"); o.Trusted && prior != "" {
		host = prior
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || slices.Contains(schemeHeaders, name) {
			delete(h, name)
		}
	}
	for _, name := range clientHeaders {
		if _, sent := h[name]; sent && o.Trusted && client != "" {
			h[name] = []string{client}
		} else {
			delete(h, name)
		}
	}
	values := make([]string, 0, 5) // of all headers, in one allocation
	set := func(name, value string) {
		if value != "" {
			values = append(values, value)
			h[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	set("X-Forwarded-For", chain)
	set("X-Forwarded-Proto", cmp.Or(o.Proto, "http"))
	set("X-Forwarded-Host", host)
	if o.Port != 0 {
		set("X-Forwarded-Port", strconv.Itoa(int(o.Port)))
	}
	set("X-Real-Ip", client)
}

// text is an address as headers have it; empty: there is none.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
