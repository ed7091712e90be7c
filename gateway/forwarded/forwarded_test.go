package forwarded_test

import (
	"net/http"
	"testing"

	"cocart-gateway/gateway/forwarded"
)

func TestForwardedIsTranslatedAsRFC7239HasIt(t *testing.T) {
	for value, want := range map[string][3]string{
		`for=192.0.2.43`: {"192.0.2.43", "", ""},
		`For="[2001:db8:cafe::17]:4711";Proto=HTTPS;by=203.0.113.43`: {"[2001:db8:cafe::17]:4711", "HTTPS", ""},
		`for=192.0.2.43, for=198.51.100.17;proto=https`:              {"192.0.2.43, 198.51.100.17", ", https", ""},
		`for="_a, b";host="shop.example:8443"`:                       {"", "", "shop.example:8443"},
		`for="a\"b";proto=https`:                                     {"", "https", ""},
		`for=6.6.6.6;for=192.0.2.1;proto=https`:                      {"", "https", ""},
		`for=192.0.2.1;proto="https`:                                 {"192.0.2.1", "", ""},
		`garbage`:                                                    {"", "", ""},
	} {
		h := http.Header{"Forwarded": {value}}
		forwarded.Translate(h)
		got := [3]string{h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Proto"), h.Get("X-Forwarded-Host")}
		if got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestForwardedDoesNotCountBesideOthers(t *testing.T) {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"} {
		h := http.Header{"Forwarded": {"for=6.6.6.6;proto=https;host=evil.example"}, name: {"1"}}
		if forwarded.Translate(h); len(h) != 2 {
			t.Errorf("beside %s: %v", name, h)
		}
	}
}
