package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// inProcess is as long as somebody waits for the store in this process: it always answers, and where the machine has
// too much to do to let it, giving up would lose what it did.
const inProcess = time.Minute

// openEmbedded makes a Redis-compatible store inside this process, on a loopback
// port of its own behind a password nobody is told. (Its in-memory pipes have no
// buffer: a pipeline longer than one read would wait for itself.) It forgets when
// the process ends.
func openEmbedded() (redis.UniversalClient, func(), error) {
	store, password := miniredis.NewMiniRedis(), rand.Text()
	store.RequireAuth(password)
	if err := store.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("starting the embedded store: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), Password: password, MaxRetries: -1, DisableIdentity: true,
		DialTimeout: inProcess, ReadTimeout: inProcess, WriteTimeout: inProcess, ContextTimeoutEnabled: true})
	stop := letTimePass(store)
	return client, func() {
		stop()
		_ = client.Close() // nothing is left to be lost
		store.Close()
	}, nil
}

// letTimePass lets keys expire: miniredis stands still unless it is told of the
// time.
func letTimePass(store *miniredis.Miniredis) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				store.FastForward(now.Sub(last))
				last = now
			}
		}
	}()
	return func() { cancel(); <-done }
}
