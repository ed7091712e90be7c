package upstream_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

const serversPassword = "Basic c3RhZ2luZzpsZXRtZWlu" // staging:letmein

func withServersPassword(cfg *upstream.Config) {
	cfg.Headers = http.Header{"authorization": {serversPassword}, "X-Origin-Verify": {"verify me"}}
}

// carried is what arrived of Authorization: the web server's, and the client's.
func carried(s upstreamtest.Seen) [2]string {
	return [2]string{strings.Join(s.Header["Authorization"], "|"), strings.Join(s.Header["X-Cocart-Gateway-Authorization"], "|")}
}

func TestTheClientsAuthorizationTravelsBesideTheServersPassword(t *testing.T) {
	for name, row := range map[string]struct {
		head, want string
		drop       bool
	}{
		"none":                        {"", "", false},
		"Basic":                       {"Authorization: Basic YWxpY2U6\n", "Basic YWxpY2U6", false},
		"the server's password":       {"Authorization: " + serversPassword + "\n", "", false},
		"blanks around it":            {"Authorization: \t Bearer a.b.c \t\n", "Bearer a.b.c", false},
		"two lines":                   {"Authorization: Bearer a\nauthorization: Bearer b\n", "Bearer a, Bearer b", false},
		"named by Connection":         {"Authorization: Bearer a\nConnection: authorization\n", "", false},
		"a forged carried header":     {"X-CoCart-Gateway-Authorization: Basic forged\n", "", false},
		"a forged one with _":         {"X_CoCart_Gateway_Authorization: Basic forged\nAuthorization_: x\n", "", false},
		"of a customer whose is gone": {"Authorization: Bearer a.b.c\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			wp, f := upstreamtest.Start(t), asSite()
			f.KeepCredentials = !row.drop
			fr := newFront(t, wp.URL, f, withServersPassword)
			raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n"+row.head+"\n")
			s := wp.Last()
			if got := carried(s); got != [2]string{serversPassword, row.want} || s.Claims.Carried == "" {
				t.Errorf("got %q, digest %q", got, s.Claims.Carried)
			}
		})
	}
}

func TestHeadersOfTheOriginReplaceThoseOfTheClient(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), func(cfg *upstream.Config) { cfg.Headers = http.Header{"X-Origin-Verify": {"verify me"}} })
	raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\nX-Origin-Verify: mine\nx-origin-verify: mine too\nX_Origin_Verify: third\nX_Api_Key: stays\nAuthorization: Bearer a\n\n")
	s := wp.Last()
	if got := s.Header["X-Origin-Verify"]; len(got) != 1 || got[0] != "verify me" || s.Header["X_origin_verify"] != nil || s.Header["X_api_key"] == nil {
		t.Errorf("arrived: %q", s.Header)
	}
	if got := carried(s); got != [2]string{"Bearer a", ""} || s.Claims.Carried != "" {
		t.Errorf("Authorization that is the client's: %q, digest %q", got, s.Claims.Carried)
	}
}

func TestALoginCarriesItsPasswordBesideTheServers(t *testing.T) {
	wp := upstreamtest.Start(t)
	r := httptest.NewRequest(http.MethodPost, "/wp-json/cocart/v2/login", nil)
	r.Host = "shop.example"
	r.Header.Set("Authorization", "Bearer stale")
	_, _ = newFront(t, wp.URL, asSite(), withServersPassword).wordpress.Login(r, aLogin())
	if got := carried(wp.Last()); got != [2]string{serversPassword, "Basic YWxpY2U6d29uZGVybGFuZC0x"} {
		t.Errorf("arrived: %q", got)
	}
}

func TestChecksAndQuestionsKnowTheServersPassword(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Questions = true
	w := newFront(t, wp.URL, asSite(), withServersPassword).wordpress
	_, _ = w.Ping(t.Context())
	_, _ = w.Nodes()[0].Ping(t.Context())
	_, _ = w.Nodes()[0].Probe(t.Context(), upstream.Assertion{Kind: upstream.Guest}, "wp-json/cocart/v2")
	_, _ = w.Nodes()[0].Status(t.Context(), "https")
	want := []string{"", "", "", "Bearer cocart-gateway-status"}
	for i, s := range wp.Seen() {
		if got := carried(s); got != [2]string{serversPassword, want[i]} || s.Header.Get("X-Origin-Verify") != "verify me" {
			t.Errorf("question %d: %q", i, s.Header)
		}
	}
	if n := len(wp.Seen()); n != len(want) {
		t.Errorf("%d questions arrived, want %d", n, len(want))
	}
}

func TestARedirectOfTheOriginIsTheClients(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked: %v", r.Header) }))
	defer elsewhere.Close()
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(http.StatusFound)
		return true
	}
	fr := newFront(t, wp.URL, asSite(), withServersPassword)
	resp := raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n")
	_, _ = fr.wordpress.Login(httptest.NewRequest(http.MethodPost, "http://shop.example/wp-json/cocart/v2/login", nil), aLogin())
	_, _ = fr.wordpress.Ping(t.Context())
	_, _ = fr.wordpress.Nodes()[0].Status(t.Context(), "https")
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 302 || resp.Header.Get("Location") != elsewhere.URL || strings.Contains(string(body)+resp.Header.Get("Authorization"), "c3RhZ2") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}
