// Package cluster does what differs between one Redis server and a cluster: it visits the servers, lists keys by their
// prefix (cluster.go), runs scripts in pipelines (scripts.go) and reloads the state of a cluster (reload.go).
package cluster

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// EachMaster calls do for each server that takes writes: for all masters of a cluster at once, or for the one server.
// The client must be the one that go-redis made: inside another type a cluster is not recognised.
func EachMaster(ctx context.Context, client redis.UniversalClient, do func(context.Context, redis.UniversalClient) error) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return do(ctx, c) })
	}
	return do(ctx, client)
}

// keysAtOnce is how many keys one SCAN examines. It bounds how long a server works on it.
const keysAtOnce = 500

// Keys yields the keys with a prefix in small batches, each key once, in no order. It reads the whole keyspace of every
// master. It stops at the first error.
func Keys(ctx context.Context, client redis.UniversalClient, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		servers, err := masters(ctx, client)
		if err != nil {
			yield(nil, err)
			return
		}
		seen := map[string]bool{} // SCAN may return a key twice
		for _, server := range servers {
			if !scan(ctx, server, prefix, seen, yield) {
				return
			}
		}
	}
}

func masters(ctx context.Context, client redis.UniversalClient) (all []redis.UniversalClient, err error) {
	var mu sync.Mutex // guards all
	err = EachMaster(ctx, client, func(_ context.Context, server redis.UniversalClient) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, server)
		return nil
	})
	return all, err
}

// scan yields the keys of one server. It returns false when the consumer stopped, or after an error.
func scan(ctx context.Context, server redis.UniversalClient, prefix string, seen map[string]bool, yield func([]string, error) bool) bool {
	for cursor := uint64(0); ; {
		found, next, err := server.Scan(ctx, cursor, escapeGlob(prefix)+"*", keysAtOnce).Result()
		if err != nil {
			yield(nil, err)
			return false
		}
		if !yield(unseen(found, seen), nil) {
			return false
		}
		if cursor = next; cursor == 0 {
			return true
		}
	}
}

func unseen(keys []string, seen map[string]bool) (fresh []string) {
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			fresh = append(fresh, key)
		}
	}
	return fresh
}

// escapeGlob keeps an operator's key prefix from being read as a pattern.
func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
