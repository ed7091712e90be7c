package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

// adminOf is the private listener of a gateway with blocks in its configuration.
func adminOf(t *testing.T, blocks string) http.Handler {
	t.Helper()
	cfg := withLines(t, blocks+"redis: {address: embedded}\n")
	p, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p.admin
}

func TestTheAdministrationIsOpenToItsTokenOnly(t *testing.T) {
	const token = "an admin token of these tests, 32 bytes"
	for _, row := range []struct {
		name, blocks, method, target, token string
		status                              int
	}{
		{"without a token in the configuration there is none", "", "GET", "/sessions", token, http.StatusNotFound},
		{"nor is there OAuth", "", "POST", "/oauth/introspect", token, http.StatusNotFound},
		{"the token opens it", "admin: {token: \"" + token + "\"}\n", "GET", "/sessions", token, http.StatusOK},
		{"another one does not", "admin: {token: \"" + token + "\"}\n", "GET", "/sessions", token + "!", http.StatusUnauthorized},
		{"OAuth must be asked for", "admin: {token: \"" + token + "\"}\n", "POST", "/oauth/revoke", token, http.StatusNotFound},
		{"and then is there", "admin: {token: \"" + token + "\", oauth: true}\n", "POST", "/oauth/revoke", "", http.StatusUnauthorized},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), row.method, "http://localhost"+row.target, nil)
			r.Header.Set("Authorization", "Bearer "+row.token)
			w := httptest.NewRecorder()
			adminOf(t, row.blocks).ServeHTTP(w, r)
			if w.Code != row.status {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
}

// A gateway that has not read the revocations yet judges by what it knows, or not at all.
func TestStaleRevocationsAreServedOrDenied(t *testing.T) {
	for on, want := range map[string]error{
		"":                                    nil,
		"{max_staleness: 5s}":                 nil,
		"{max_staleness: 5s, on_stale: deny}": tokens.Stale,
	} {
		d := deskWith(t, "revocation: "+on+"\n")
		if _, err := d.gateway.Verify(d.login(alice).Access); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", on, err, want)
		}
	}
}

func TestKeyOfEveryKindIsBuilt(t *testing.T) {
	c, err := loadConfig(filepath.Join("config", "testdata", "keys-of-every-kind.good.yaml"), keyEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	type built struct {
		id, algorithm string
		signs         bool
		retires       time.Time
	}
	endOfJanuary := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	want := []built{
		{"pair", "EdDSA", true, time.Time{}},
		{"shared", "HS256", true, endOfJanuary},
		{"public", "EdDSA", false, endOfJanuary},
		{"curve", "ES256", true, time.Time{}},
		{"rsa", "PS384", true, time.Time{}},
	}
	var got []built
	for _, k := range c.Tokens.Keys {
		key, err := signingKey(k)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, built{key.ID(), key.Algorithm(), key.CanSign(), key.Retires()})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// keyEnv has the variables of keys-of-every-kind.good.yaml.
func keyEnv(t *testing.T) func(string) (string, bool) {
	t.Helper()
	rsa, err := os.ReadFile(filepath.Join("config", "testdata", "keys", "rsa2048.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) (string, bool) {
		if name == "RSA" {
			return string(rsa), true
		}
		return namedEnv(name)
	}
}
