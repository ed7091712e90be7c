package upstream

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
)

func FuzzClaimsAreWrittenAsEncodingJSONDoes(f *testing.F) {
	f.Add("customer", int64(7), "sid", "fp", "192.0.2.1", "shop.example", "", "", uint16(0), false, "")
	f.Add("a\"b\\c\x00\n", int64(-1), "<&>", "\u2028\xff", "fe80::1%a\"b", "müller.example\x7f", "pat", "deny", uint16(8443), true, "x")
	f.Fuzz(func(t *testing.T, kind string, user int64, session, fingerprint, client, host, pat, guests string, port uint16, assumed bool, carried string) {
		c := claims{Issuer: kind, Audience: host, IssuedAt: user, Expiry: user + 30, Kind: Kind(kind), Subject: user, Session: session, Fingerprint: fingerprint,
			Proto: session, Method: pat, Host: host, Target: carried, PAT: pat, Guests: guests, Port: port, Assumed: assumed, Carried: carried}
		c.Client, _ = netip.ParseAddr(client)
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
		if got := append(c.appendTo(nil), '\n'); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("\ngot  %s\nwant %s", got, want.Bytes())
		}
	})
}

func BenchmarkSign(b *testing.B) {
	keys, err := newSigningKeys([]string{"a shared secret of these tests, 32 bytes"})
	if err != nil {
		b.Fatal(err)
	}
	c := claims{Issuer: "cocart-gateway", Audience: "shop.example", IssuedAt: 1_800_000_000, Expiry: 1_800_000_030, Kind: Customer, Subject: 4711,
		Session: "0123456789abcdef0123456789abcdef", Fingerprint: "0123456789abcdef0123456789abcdef", Client: netip.MustParseAddr("192.0.2.1"), Proto: "https",
		Method: "GET", Host: "shop.example"}
	b.ReportAllocs()
	for b.Loop() {
		c.Target = digest("/wp-json/cocart/v2/cart?fields=items")
		keys[0].sign(&c)
	}
}
