package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestAHandshakeThatStopsIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		began := time.Now() // of the bubble
		err := shakeHands(t.Context(), tls.Client(here, &tls.Config{ServerName: "shop.example", MinVersion: tls.VersionTLS12}), 5*time.Second)
		if !isTimeout(err) || isDial(err) || !errors.Is(Classify(err), ErrTimeout) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestAHandshakeEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		ctx, left := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, left)
		if err := shakeHands(ctx, tls.Client(here, &tls.Config{ServerName: "shop.example", MinVersion: tls.VersionTLS12}), 5*time.Second); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
