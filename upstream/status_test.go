package upstream_test

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// A broken way to WordPress is distinguished from every other one.
func TestTheStatusSaysWhatIsWrong(t *testing.T) {
	var stale http.Header
	for name, row := range map[string]struct {
		spoil   func(*upstreamtest.StatusServer)
		outcome upstream.Outcome
		differs upstream.Differences
	}{
		"nothing":                       {func(*upstreamtest.StatusServer) {}, upstream.StatusAnswered, upstream.Differences{}},
		"another secret":                {func(d *upstreamtest.StatusServer) { d.Secret = "another secret, longer than thirty-two bytes" }, upstream.StatusUnknown, upstream.Differences{}},
		"no plugin":                     {func(d *upstreamtest.StatusServer) { d.NoPlugin = true }, upstream.StatusNoPlugin, upstream.Differences{}},
		"a plugin that knows no status": {func(d *upstreamtest.StatusServer) { d.OldPlugin = true }, upstream.StatusNoPlugin, upstream.Differences{}},
		"another site":                  {func(d *upstreamtest.StatusServer) { d.Site = "other.example" }, upstream.StatusRefused, upstream.Differences{Audience: "other.example"}},
		"a slow clock":                  {func(d *upstreamtest.StatusServer) { d.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, upstream.StatusRefused, upstream.Differences{}},
		"a proxy that changes the host": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Host = "backend"; return false }),
			upstream.StatusRefused, upstream.Differences{Host: "backend"}},
		"a proxy that changes the method": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Method = "PUT"; return false }),
			upstream.StatusRefused, upstream.Differences{Method: "PUT"}},
		"a proxy that changes the address": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.RequestURI += "&x=1"; return false }),
			upstream.StatusRefused, upstream.Differences{Target: true}},
		"a proxy that takes the header off": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("X-CoCart-Gateway"); return false }),
			upstream.StatusStripped, upstream.Differences{}},
		"a proxy that takes the answer's header off": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			upstreamtest.JSON(w, 200, "{}")
			return true
		}), upstream.StatusUnsigned, upstream.Differences{}},
		"something that prints before": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			upstreamtest.JSON(w, 200, "\ufeff{}")
			return true
		}), upstream.StatusUnsigned, upstream.Differences{}},
		"something that prints, and no plugin": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			upstreamtest.JSON(w, 404, "<br />\n<b>Warning</b>: {}\n"+`{"code":"rest_no_route"}`)
			return true
		}), upstream.StatusNoPlugin, upstream.Differences{}},
		"a redirect": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "https://shop.example/")
			w.WriteHeader(301)
			return true
		}), upstream.StatusElsewhere, upstream.Differences{}},
		"another web server": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			upstreamtest.JSON(w, 404, "<h1>It works!</h1>")
			return true
		}), upstream.StatusUnlike, upstream.Differences{}},
		"a cache": {before(func(w http.ResponseWriter, r *http.Request) bool {
			if stale == nil {
				stale = someStatus(t)
			}
			w.Header()["X-Cocart-Gateway-Status"] = stale["X-Cocart-Gateway-Status"]
			upstreamtest.JSON(w, 200, "{}")
			return true
		}), upstream.StatusStale, upstream.Differences{}},
	} {
		t.Run(name, func(t *testing.T) {
			d := upstreamtest.NewStatusServer(t)
			row.spoil(d)
			r, err := newFront(t, d.URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "https")
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != row.outcome || r.Differs != row.differs {
				t.Errorf("%s %+v (%s), want %s %+v", r.Outcome, r.Differs, r.Refused, row.outcome, row.differs)
			}
			if answered := r.Facts != nil; answered != (row.outcome == upstream.StatusAnswered) {
				t.Errorf("facts: %+v", r.Facts)
			}
		})
	}
}

func before(change func(http.ResponseWriter, *http.Request) bool) func(*upstreamtest.StatusServer) {
	return func(d *upstreamtest.StatusServer) { d.Before = change }
}

// someStatus is the header of a good answer to another question.
func someStatus(t *testing.T) http.Header {
	t.Helper()
	r, err := newFront(t, upstreamtest.NewStatusServer(t).URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "http")
	if err != nil {
		t.Fatal(err)
	}
	return r.Header
}

func TestTheStatusIsTheFactsOfTheShop(t *testing.T) {
	d := upstreamtest.NewStatusServer(t)
	var seen http.Header
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool { seen = r.Header.Clone(); return false }
	r, err := newFront(t, d.URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "https")
	if err != nil {
		t.Fatal(err)
	}
	want := &upstream.Facts{Plugin: "1.3.0", PHP: "8.4.16", SAPI: "fpm-fcgi", WordPress: "6.9", WooCommerce: "10.3.5", CoCart: "4.8.1",
		Routes: []string{"cocart/v1", "cocart/v2"}, Home: "https://shop.example", SiteURL: "https://shop.example", RestPrefix: "wp-json",
		Permalinks: true, TLS: true, Required: true, Secrets: 1, JWTPlugins: []string{}, Copies: []string{}, Authorization: true, Paths: []string{}}
	if !reflect.DeepEqual(r.Facts, want) || r.Plugin != "1.3.0" {
		t.Errorf("got %+v, want %+v", r.Facts, want)
	}
	if got := seen.Get("Authorization"); got != "Bearer cocart-gateway-status" {
		t.Errorf("Authorization: %q", got)
	}
}

// The clock is known from the plugin, and without its word from the web server.
func TestTheStatusTellsTheClock(t *testing.T) {
	for name, secret := range map[string]string{"with the secret": upstreamtest.Secret, "without": "another secret, longer than thirty-two bytes"} {
		for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
			d := upstreamtest.NewStatusServer(t)
			d.Secret, d.Now = secret, func() time.Time { return time.Now().Add(off) }
			began := time.Now()
			r, err := newFront(t, d.URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "https")
			if err != nil {
				t.Fatal(err)
			}
			if wrong := (r.Clock - off).Abs(); !r.Timed || wrong > 2*time.Second+time.Since(began) {
				t.Errorf("%s: %v off, got %v (%v)", name, off, r.Clock, r.Timed)
			}
		}
	}
}

func TestWithoutWordPressThereIsNoStatus(t *testing.T) {
	d := upstreamtest.NewStatusServer(t)
	d.Close()
	if r, err := newFront(t, d.URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "https"); !errors.Is(err, upstream.ErrUnavailable) {
		t.Errorf("got %+v, %v", r, err)
	}
}

// A probe is asked below the address of the site, as a guest.
func TestAProbeIsAskedBelowTheSite(t *testing.T) {
	d := upstreamtest.NewStatusServer(t)
	d.Site = "shop.example/store"
	var uri string
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool { uri = r.RequestURI; return false }
	f := newFront(t, d.URL, asSite(), func(c *upstream.Config) { c.SiteURL = mustParse(t, "https://shop.example/store/") })
	p, err := f.wordpress.Nodes()[0].Probe(t.Context(), upstream.Assertion{Kind: upstream.Guest, Proto: "https"}, "wp-json/cocart/v2")
	if err != nil {
		t.Fatal(err)
	}
	if uri != "/store/wp-json/cocart/v2" || p.Status != 200 || !strings.Contains(string(p.Body), "cocart/v2") || p.Plugin != "1.3.0" {
		t.Errorf("asked %s, got %+v", uri, p)
	}
}

// Only the clock is wrong; that the web server keeps the port to itself is not.
func TestAPortThatPHPDoesNotSeeIsNoDifference(t *testing.T) {
	for asked, seen := range map[string]string{
		"shop.example:8443":        "shop.example",
		"Shop.example:8443":        "shop.example",
		"[2001:db8::1]:8443":       "[2001:db8::1]",
		"[2001:db8::1]":            "[2001:db8::1]",
		"shop.example":             "shop.example",
		"[2001:db8::1]:8443 whole": "[2001:db8::1]:8443",
	} {
		d := upstreamtest.NewStatusServer(t)
		d.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		before(func(_ http.ResponseWriter, r *http.Request) bool { r.Host = seen; return false })(d)
		host, _, _ := strings.Cut(asked, " ")
		r, err := newFront(t, d.URL, asSite(), func(c *upstream.Config) { c.Host = host }).wordpress.Nodes()[0].Status(t.Context(), "https")
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != upstream.StatusRefused || r.Differs != (upstream.Differences{}) {
			t.Errorf("%s, which PHP saw as %s: %s %+v", asked, seen, r.Outcome, r.Differs)
		}
	}
}

func TestUsersAreFoundByLoginNameAndByAddress(t *testing.T) {
	users := []upstreamtest.User{{ID: 7, Login: "alice"}, {ID: 9, Login: "alice@example.com"}, {ID: 12, Login: "Zoë O'Brien"}}
	for name, want := range map[string][]upstream.User{
		"Alice":                  {{ID: 7, Login: "alice"}},
		"alice@example.com":      {{ID: 7, Login: "alice"}, {ID: 9, Login: "alice@example.com"}},
		"Zoë O'Brien":            {{ID: 12, Login: "Zoë O'Brien"}},
		"bob":                    {},
		"":                       nil,
		strings.Repeat("a", 321): nil,
	} {
		d := upstreamtest.NewStatusServer(t)
		d.Users = users
		var seen string
		d.Before = func(_ http.ResponseWriter, r *http.Request) bool { seen = r.RequestURI; return false }
		got, err := newFront(t, d.URL, asSite()).wordpress.FindUsers(t.Context(), name)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
		if seen != "" && seen != "/?rest_route=/cocart-gateway/v1/status" { // web servers log it
			t.Errorf("asked for %s", seen)
		}
	}
}

func TestAFailureToFindUsersIsNoEmptyList(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*upstreamtest.StatusServer)
		want  error
	}{
		"no plugin":                  {func(d *upstreamtest.StatusServer) { d.NoPlugin = true }, upstream.ErrCannotFind},
		"a plugin before this":       {func(d *upstreamtest.StatusServer) { d.OldFind = true }, upstream.ErrCannotFind},
		"another secret":             {func(d *upstreamtest.StatusServer) { d.Secret = "another secret, longer than thirty-two bytes" }, upstream.ErrCannotFind},
		"a WordPress that is not up": {func(d *upstreamtest.StatusServer) { d.CloseClientConnections(); d.Close() }, upstream.ErrUnavailable},
	} {
		d := upstreamtest.NewStatusServer(t)
		row.spoil(d)
		if got, err := newFront(t, d.URL, asSite()).wordpress.FindUsers(t.Context(), "alice"); got != nil || !errors.Is(err, row.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnotherNodeIsAskedWhenOneDoesNotAnswer(t *testing.T) {
	d := upstreamtest.NewStatusServer(t)
	d.Users = []upstreamtest.User{{ID: 7, Login: "alice"}}
	f := newFront(t, d.URL, asSite(), func(c *upstream.Config) { c.Nodes = []*url.URL{upstreamtest.Deaf(t), c.URL} })
	if got, err := f.wordpress.FindUsers(t.Context(), "alice"); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
