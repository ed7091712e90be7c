package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var hostName = regexp.MustCompile(`\A[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?\z`)

// goodHost accepts names and addresses. A zone (fe80::1%eth0) is valid on one machine only and is refused.
func goodHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	return len(host) <= 253 && hostName.MatchString(host)
}

func goodPort(port string, low int) bool {
	n, err := strconv.Atoi(port)
	return err == nil && strconv.Itoa(n) == port && low <= n && n <= 65535
}

// webAddress is an http or https URL without anything that would change what a request means.
func webAddress(rule string, path *regexp.Regexp) form[*url.URL] {
	return form[*url.URL]{
		rule:  rule,
		types: []string{"!!str"},
		parse: func(s string) (*url.URL, *mistake) { return parseWebAddress(s, path) },
		show: func(u *url.URL) any {
			if u == nil {
				return ""
			}
			return u.String()
		},
	}
}

func parseWebAddress(s string, path *regexp.Regexp) (*url.URL, *mistake) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !goodHostPort(u) {
		return nil, &mistake{remedy: ifElse(plainASCII(s), "", "write the host in its ASCII form, xn--…, as the browser sends it")}
	}
	switch {
	case u.User != nil:
		return nil, &mistake{value: "has a user name or password in it", remedy: "remove everything before the @"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, &mistake{remedy: "remove the ? or # and what follows"}
	case !path.MatchString(u.EscapedPath()):
		return nil, &mistake{}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}, nil
}

func plainASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c > unicode.MaxASCII })
}

func goodHostPort(u *url.URL) bool {
	return goodHost(u.Hostname()) && !strings.HasSuffix(u.Host, ":") && (u.Port() == "" || goodPort(u.Port(), 1))
}

var (
	noPath   = regexp.MustCompile(`\A/?\z`)
	sitePath = regexp.MustCompile(`\A(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?\z`)
)

// network is an address or a network. An IPv4-mapped IPv6 address is the IPv4 address in it.
func network() form[netip.Prefix] {
	return form[netip.Prefix]{
		rule:   "must be an IP address or a network as in 10.0.0.0/8",
		remedy: "write e.g. 10.0.0.0/8 or 192.0.2.7",
		types:  []string{"!!str"},
		parse:  parseNetwork,
		show:   func(p netip.Prefix) any { return p.String() },
	}
}

func parseNetwork(s string) (netip.Prefix, *mistake) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, &mistake{}
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	if network != network.Masked() {
		return netip.Prefix{}, &mistake{rule: "must have no bits set after the network prefix", remedy: "write " + network.Masked().String() +
			", or the address alone for one proxy"}
	}
	return network, nil
}
