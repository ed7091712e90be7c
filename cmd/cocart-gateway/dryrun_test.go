package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A bound on what PHP works on turns people away, and a dry run turns nobody away.
func TestADryRunTurnsNobodyAwayFromABusyShop(t *testing.T) {
	for compat, want := range map[string]int{"": http.StatusServiceUnavailable, "compat: {dry_run: true}\n": http.StatusOK} {
		t.Run("with "+strings.TrimSpace(compat), func(t *testing.T) {
			entered, release := make(chan struct{}), make(chan struct{})
			shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					close(entered)
					<-release
				}
			}))
			defer shop.Close()
			p, err := assemble(withLines(t, compat+"redis: {address: embedded}\n"+
				fmt.Sprintf("upstream: {url: %q, secret: \"${SHARED}\", concurrency: {limit: 1, queue: 0}}\n", shop.URL)), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			front := httptest.NewServer(p.public)
			defer front.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				statusOf(front.URL + "/slow")
			}()
			<-entered
			if got := statusOf(front.URL + "/"); got != want {
				t.Errorf("%d, want %d", got, want)
			}
			close(release)
			<-done
		})
	}
}

func TestAReloadChangesTheAddressThatADryRunTells(t *testing.T) {
	r := start(t, settings{"compat.dry_run": "true"})
	for _, whose := range []struct{ address, told string }{{"client", "198.51.100.9"}, {"peer", "127.0.0.1"}} {
		r.write(settings{"compat.plugin_address": whose.address})
		if done := r.administer("POST", "/reload"); done.status != http.StatusOK {
			t.Fatalf("reload: %d %s", done.status, done.body)
		}
		r.do("GET", cart, "", "X-Forwarded-For: 198.51.100.9")
		if told := r.wordpress.Last().Claims.Client; told != whose.told {
			t.Errorf("%s: WordPress was told %s, want %s", whose.address, told, whose.told)
		}
	}
}
