package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// inProcess is the timeout of the store in this process. It always answers; on a busy machine, giving up early would lose
// the result of a command.
const inProcess = time.Minute

// openEmbedded makes a Redis-compatible store inside this process, on a loopback
// port of its own and with a random password. (Its in-memory pipes have no buffer:
// a pipeline longer than one read would wait for itself.) Its data ends with the
// process.
func openEmbedded() (redis.UniversalClient, func(), error) {
	store, password := miniredis.NewMiniRedis(), rand.Text()
	store.RequireAuth(password)
	if err := store.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("starting the embedded store: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), Password: password, MaxRetries: -1, DisableIdentity: true,
		DialTimeout: inProcess, ReadTimeout: inProcess, WriteTimeout: inProcess, ContextTimeoutEnabled: true})
	stop := letTimePass(store)
	return quotingNothing(client), func() {
		stop()
		_ = client.Close() // nothing is left to be lost
		store.Close()
	}, nil
}

// letTimePass advances the clock of miniredis, which otherwise expires no keys.
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
