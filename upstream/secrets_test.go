package upstream_test

import (
	"context"
	"net/http"
	"testing"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

const anotherSecret = "another shared secret of the tests, 32 bytes"

// WordPress answers with the secret that it was asked with, also when the
// gateway has another one by then.
func TestAReplyToARequestInFlightIsBelievedAfterTheSecretChanged(t *testing.T) {
	wp := upstreamtest.Start(t)
	entered, release := make(chan struct{}), make(chan struct{})
	f := asSite()
	f.Assertion = upstream.Assertion{Kind: upstream.Customer, UserID: 2, Session: "s1", Fingerprint: "fp-of-before"}
	var ended []upstream.Ended
	f.Before = func(_ context.Context, a *upstream.Answer) error { ended = a.Ended; return nil }
	fr := newFront(t, wp.URL, f)
	wp.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(entered)
		<-release
		return false
	}
	done := make(chan int)
	go func() {
		done <- raw(t, fr.Server, "GET /wp-json/cocart/v2/cart HTTP/1.1\nHost: shop.example\n\n").StatusCode
	}()
	<-entered
	use, err := fr.wordpress.Secrets([]string{anotherSecret})
	if err != nil {
		t.Fatal(err)
	}
	use()
	close(release)
	if status := <-done; status != http.StatusUnauthorized || len(ended) != 1 || ended[0].Fingerprint != "fp-of-before" {
		t.Errorf("%d, ended: %v", status, ended)
	}
}

func TestRequestsAreSignedWithTheFirstSecretInForce(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.Secrets = []string{anotherSecret} })
	use, err := fr.wordpress.Secrets([]string{upstreamtest.Secret, anotherSecret})
	if err != nil {
		t.Fatal(err)
	}
	use()
	raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n") // the WordPress of the tests checks each signature
	if wp.Last().Claims.Kind != "site" {
		t.Errorf("%+v", wp.Last().Claims)
	}
}

func TestSecretsThatAreRefusedChangeNothing(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for _, bad := range [][]string{nil, {"short"}} {
		if use, err := fr.wordpress.Secrets(bad); use != nil || err == nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
	raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n")
}
