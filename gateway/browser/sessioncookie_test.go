package browser_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/browser"
)

func TestHowTheCookieIsSet(t *testing.T) {
	for name, row := range map[string]struct {
		cfg       browser.CookieConfig
		set, gone string
	}{
		"this host": {browser.CookieConfig{},
			"__Host-cocart_session=r.a.b.c; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Host-cocart_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"strict": {browser.CookieConfig{SameSite: http.SameSiteStrictMode},
			"__Host-cocart_session=r.a.b.c; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict",
			"__Host-cocart_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
		"other sites": {browser.CookieConfig{SameSite: http.SameSiteNoneMode},
			"__Host-cocart_session=r.a.b.c; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=None; Partitioned",
			"__Host-cocart_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"},
		"a domain": {browser.CookieConfig{Domain: "example.com"},
			"__Secure-cocart_session=r.a.b.c; Path=/; Domain=example.com; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Secure-cocart_session=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := row.cfg.Set(browser.Tokens{Refresh: "r", Access: "a.b.c"}, time.Hour)
			if set != row.set || err != nil {
				t.Errorf("set %s, %v, want %s", set, err, row.set)
			}
			if gone := row.cfg.Remove(); gone != row.gone {
				t.Errorf("removed %s, want %s", gone, row.gone)
			}
		})
	}
}

func TestTokensThatNoBrowserWouldStoreAreAnError(t *testing.T) {
	long := browser.Tokens{Refresh: strings.Repeat("0", 128), Access: strings.Repeat("a", 4096-128-1-len(browser.HostName))}
	if _, err := (browser.CookieConfig{}).Set(long, time.Hour); err != nil {
		t.Error(err)
	}
	long.Access += "a"
	if _, err := (browser.CookieConfig{}).Set(long, time.Hour); !errors.Is(err, browser.ErrTooLong) {
		t.Error(err)
	}
}

func TestTheSessionCookieIsTakenOffAndOthersStay(t *testing.T) {
	const session = "__Host-cocart_session=r.a.b.c"
	for name, row := range map[string]struct {
		sent, kept []string
		want       browser.Presented
	}{
		"no cookie":          {nil, nil, browser.Presented{}},
		"others only":        {[]string{"a=1;  b = 2;; c"}, []string{"a=1;  b = 2;; c"}, browser.Presented{}},
		"it alone":           {[]string{session}, nil, browser.Presented{Found: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"in front":           {[]string{session + "; a=1;  b = \"2\""}, []string{"a=1;  b = \"2\""}, browser.Presented{Found: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"between":            {[]string{"a=1; " + session + ";b=%20"}, []string{"a=1;b=%20"}, browser.Presented{Found: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"in another line":    {[]string{"a=1", session}, []string{"a=1"}, browser.Presented{Found: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"twice the same":     {[]string{session + "; " + session}, nil, browser.Presented{Found: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"twice":              {[]string{session + "; __Host-cocart_session=evil.a.b.c"}, nil, browser.Presented{Found: true, Conflict: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"twice in two lines": {[]string{session, "__Host-cocart_session=evil.a.b.c; a=1"}, []string{"a=1"}, browser.Presented{Found: true, Conflict: true, Tokens: browser.Tokens{Refresh: "r", Access: "a.b.c"}}},
		"nothing in it":      {[]string{"__Host-cocart_session"}, nil, browser.Presented{Found: true}},
		"of another setting": {[]string{"__Secure-cocart_session=r.a.b.c; a=1"}, []string{"a=1"}, browser.Presented{}},
		"a name like it":     {[]string{"x__Host-cocart_session=1; __host-cocart_session=2"}, []string{"x__Host-cocart_session=1; __host-cocart_session=2"}, browser.Presented{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for _, line := range row.sent {
				h.Add("Cookie", line)
			}
			if got := (browser.CookieConfig{}).Take(h); got != row.want {
				t.Errorf("took %+v, want %+v", got, row.want)
			}
			if got := strings.Join(h["Cookie"], "|"); got != strings.Join(row.kept, "|") {
				t.Errorf("kept %q, want %q", got, row.kept)
			}
		})
	}
}

func TestEveryVariantOfTheCookieIsRemoved(t *testing.T) {
	const gone, end = "=; Path=/; ", "Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	want := []string{browser.HostName + gone + end, browser.HostName + gone + end + "; Partitioned"}
	if got := (browser.CookieConfig{}).RemoveAll("api.shop.example"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	want = nil
	for _, domain := range []string{"", "Domain=api.shop.example; ", "Domain=shop.example; "} {
		want = append(want, browser.DomainName+gone+domain+end, browser.DomainName+gone+domain+end+"; Partitioned")
	}
	if got := (browser.CookieConfig{Domain: "shop.example"}).RemoveAll("api.shop.example"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyOneWordAsksForTheCookie(t *testing.T) {
	for _, row := range []struct {
		sent  []string
		wants bool
		err   error
	}{
		{nil, false, nil}, {[]string{"cookie"}, true, nil}, {[]string{" Cookie"}, true, nil}, {[]string{"cookie", "cookie"}, true, nil},
		{[]string{""}, false, browser.ErrUnknownMode}, {[]string{"token"}, false, browser.ErrUnknownMode}, {[]string{"cookie", "token"}, false, browser.ErrUnknownMode},
	} {
		h := http.Header{}
		for _, v := range row.sent {
			h.Add(browser.Header, v)
		}
		if wants, err := browser.WantsCookie(h); wants != row.wants || !errors.Is(err, row.err) {
			t.Errorf("%q: %v, %v", row.sent, wants, err)
		}
	}
}

// What is left of a Cookie header names no session cookie, and is what was there without them.
func FuzzTake(f *testing.F) {
	for _, line := range []string{"a=1; __Host-cocart_session=r.a; b=2", "__Secure-cocart_session=x;__Host-cocart_session", ";; =; \t__Host-cocart_session \t= v ;a", "cocart_session", " x-cocart_session "} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Cookie": {line}}
		browser.CookieConfig{}.Take(h)
		left := strings.Join(h["Cookie"], "")
		var want []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if name = strings.Trim(name, " \t"); name != browser.HostName && name != browser.DomainName {
				want = append(want, pair)
			}
		}
		if len(want) == strings.Count(line, ";")+1 && left != line {
			t.Errorf("%q became %q", line, left)
		}
		if strings.Trim(strings.Join(want, ";"), " \t") != strings.Trim(left, " \t") {
			t.Errorf("%q became %q", line, left)
		}
	})
}
