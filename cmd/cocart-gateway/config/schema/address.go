package schema

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// HostName matches a DNS name; underscores are allowed.
var HostName = regexp.MustCompile(`\A[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?\z`)

// GoodHost accepts names and addresses. A zone (fe80::1%eth0) is valid on one machine only and is refused.
func GoodHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	return len(host) <= 253 && HostName.MatchString(host)
}

// GoodPort accepts a decimal port from low to 65535, without leading zeros.
func GoodPort(port string, low int) bool {
	n, err := strconv.Atoi(port)
	return err == nil && strconv.Itoa(n) == port && low <= n && n <= 65535
}

// WebAddress is an http or https URL without anything that would change what a request means.
func WebAddress(rule string, path *regexp.Regexp) Form[*url.URL] {
	return Form[*url.URL]{
		Rule:  rule,
		Types: []string{"!!str"},
		Parse: func(s string) (*url.URL, *Mistake) { return parseWebAddress(s, path) },
		Show: func(u *url.URL) any {
			if u == nil {
				return ""
			}
			return u.String()
		},
	}
}

func parseWebAddress(s string, path *regexp.Regexp) (*url.URL, *Mistake) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !GoodHostPort(u) {
		return nil, &Mistake{Remedy: IfElse(PlainASCII(s), "", "write the host in its ASCII form, xn--…, as the browser sends it")}
	}
	switch {
	case u.User != nil:
		return nil, &Mistake{Value: "has a user name or password in it", Remedy: "remove everything before the @"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, &Mistake{Remedy: "remove the ? or # and what follows"}
	case !path.MatchString(u.EscapedPath()):
		return nil, &Mistake{}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}, nil
}

// PlainASCII reports whether s has no other characters than those of ASCII.
func PlainASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c > unicode.MaxASCII })
}

// GoodHostPort accepts the host of u and its port, if it has one.
func GoodHostPort(u *url.URL) bool {
	return GoodHost(u.Hostname()) && !strings.HasSuffix(u.Host, ":") && (u.Port() == "" || GoodPort(u.Port(), 1))
}

var (
	NoPath   = regexp.MustCompile(`\A/?\z`)
	SitePath = regexp.MustCompile(`\A(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?\z`)
)

// Network is an address or a network. An IPv4-mapped IPv6 address is the IPv4 address in it.
func Network() Form[netip.Prefix] {
	return Form[netip.Prefix]{
		Rule:   "must be an IP address or a network as in 10.0.0.0/8",
		Remedy: "write e.g. 10.0.0.0/8 or 192.0.2.7",
		Types:  []string{"!!str"},
		Parse:  parseNetwork,
		Show:   func(p netip.Prefix) any { return p.String() },
	}
}

func parseNetwork(s string) (netip.Prefix, *Mistake) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, &Mistake{}
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	if network != network.Masked() {
		return netip.Prefix{}, &Mistake{Rule: "must have no bits set after the network prefix", Remedy: "write " + network.Masked().String() +
			", or the address alone for one proxy"}
	}
	return network, nil
}
