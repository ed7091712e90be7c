package forwarded_test

import (
	"net/http"
	"net/netip"
	"testing"

	"cocart-gateway/gateway/forwarded"
)

func TestTheClientIsTheFirstHopBehindTrustedProxies(t *testing.T) {
	p := forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for _, row := range []struct {
		peer  string
		chain []string
		want  string
	}{
		{"192.0.2.1:4711", []string{"203.0.113.7"}, "192.0.2.1"}, // not trusted
		{"[2001:db8::1]:4711", nil, "2001:db8::1"},
		{"10.0.0.1:4711", nil, "10.0.0.1"},
		{"10.0.0.1:4711", []string{""}, "10.0.0.1"},
		{"10.0.0.1:4711", []string{"203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:4711", []string{"198.51.100.9, 203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:4711", []string{"198.51.100.9, 203.0.113.7,10.0.0.2"}, "203.0.113.7"},
		{"10.0.0.1:4711", []string{"203.0.113.7", "10.0.0.2"}, "203.0.113.7"}, // two lines
		{"10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:4711", []string{"203.0.113.7, unknown"}, "10.0.0.1"},
		{"10.0.0.1:4711", []string{"unknown, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:4711", []string{"203.0.113.7,"}, "10.0.0.1"},
		{"10.0.0.1:4711", []string{"203.0.113.7:1234"}, "203.0.113.7"},
		{"10.0.0.1:4711", []string{"203.0.113.7:"}, "10.0.0.1"},
		{"10.0.0.1:4711", []string{"2001:db8::7"}, "2001:db8::7"},
		{"10.0.0.1:4711", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"10.0.0.1:4711", []string{"[2001:db8::7]:1234"}, "2001:db8::7"},
		{"10.0.0.1:4711", []string{"::"}, "::"},
		{"10.0.0.1:4711", []string{"["}, "10.0.0.1"},
		{"10.0.0.1:4711", []string{"fe80::1%eth0"}, "fe80::1"},
		{"[::ffff:10.0.0.1]:4711", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"[fd00::1]:4711", []string{"[::ffff:203.0.113.7]:80"}, "203.0.113.7"},
	} {
		r := &http.Request{RemoteAddr: row.peer, Header: http.Header{}}
		if row.chain != nil {
			r.Header["X-Forwarded-For"] = row.chain
		}
		if got := p.Origin(r).Client; got.String() != row.want {
			t.Errorf("from %s with %q: %s, want %s", row.peer, row.chain, got, row.want)
		}
	}
}

func TestTheSchemeIsThatOfTheOutermostTrustedProxy(t *testing.T) {
	p := forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, row := range []struct {
		chain, proto []string
		want         string
	}{
		{[]string{"203.0.113.7"}, []string{"https"}, "https"},
		{[]string{"203.0.113.7"}, []string{"https, http"}, "http"}, // one proxy: the client wrote the other
		{[]string{"203.0.113.7, 10.0.0.2"}, []string{"https, http"}, "https"},
		{[]string{"203.0.113.7, 10.0.0.2"}, []string{"https", "http"}, "https"}, // two lines
		{[]string{"203.0.113.7, 10.0.0.2"}, []string{"https"}, "https"},         // the inner one passes it on
		{[]string{"203.0.113.7, 10.0.0.3, 10.0.0.2"}, []string{"http, https, http, http"}, "https"},
	} {
		r := &http.Request{RemoteAddr: "10.0.0.1:4711", Header: http.Header{"X-Forwarded-For": row.chain, "X-Forwarded-Proto": row.proto}}
		if got := p.Origin(r).Proto; got != row.want {
			t.Errorf("with %q and %q: %s, want %s", row.chain, row.proto, got, row.want)
		}
	}
}

func TestTheHostIsThatOfTheOutermostTrustedProxy(t *testing.T) {
	p := forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, row := range []struct {
		peer        string
		chain, host []string
		want        string
	}{
		{"10.0.0.1:4711", []string{"203.0.113.7"}, nil, "backend.internal"},
		{"10.0.0.1:4711", []string{"203.0.113.7"}, []string{""}, "backend.internal"},
		{"10.0.0.1:4711", []string{"203.0.113.7"}, []string{"shop.example:8443"}, "shop.example:8443"},
		{"10.0.0.1:4711", []string{"203.0.113.7"}, []string{"evil.example, shop.example"}, "shop.example"}, // one proxy: the client wrote the other
		{"10.0.0.1:4711", []string{"203.0.113.7, 10.0.0.2"}, []string{"shop.example, backend.internal"}, "shop.example"},
		{"10.0.0.1:4711", []string{"203.0.113.7, 10.0.0.2"}, []string{"shop.example", "backend.internal"}, "shop.example"},
		{"203.0.113.7:4711", nil, []string{"shop.example"}, "backend.internal"},
	} {
		r := &http.Request{RemoteAddr: row.peer, Host: "backend.internal", Header: http.Header{"X-Forwarded-For": row.chain, "X-Forwarded-Host": row.host}}
		if got := p.Origin(r).Host; got != row.want {
			t.Errorf("from %s with %q and %q: %s, want %s", row.peer, row.chain, row.host, got, row.want)
		}
	}
}
