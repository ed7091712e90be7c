package cluster

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Call is one run of a script with its one key. On a cluster a script must not touch keys of two slots.
type Call struct {
	Script *redis.Script
	Key    string
	Args   []any
	Cmd    *redis.Cmd // the answer, after Queue and Retry
}

// Run runs scripts in one round trip, and needs a second one where a server does not know a script yet. It returns the
// first error; Cmd of each call has its own.
func Run(ctx context.Context, client redis.UniversalClient, calls []Call) error {
	pipe := client.Pipeline()
	Queue(ctx, pipe, calls)
	_, _ = pipe.Exec(ctx) // Retry looks at the error of each command
	return Retry(ctx, client, calls)
}

// Several reports whether a client keeps keys on several servers.
func Several(client redis.UniversalClient) bool {
	_, several := client.(*redis.ClusterClient)
	return several
}

// Apart reports whether an error says that the keys of a script are on several servers: behind one address there may be a
// cluster.
func Apart(err error) bool {
	for _, prefix := range []string{"CROSSSLOT", "Script attempted to access"} { // HasErrorPrefix removes "ERR "
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// Queue adds the calls to a pipeline by the digest of their scripts. After the pipeline was executed, Retry completes
// them.
func Queue(ctx context.Context, pipe redis.Pipeliner, calls []Call) {
	for i, c := range calls {
		calls[i].Cmd = c.Script.EvalSha(ctx, pipe, []string{c.Key}, c.Args...)
	}
}

// Retry sends again, with their source, the scripts that a server does not know. It returns the first other error.
func Retry(ctx context.Context, client redis.UniversalClient, calls []Call) error {
	pipe := client.Pipeline()
	for i, c := range calls {
		err := c.Cmd.Err()
		switch {
		case redis.HasErrorPrefix(err, "NOSCRIPT"):
			calls[i].Cmd = c.Script.Eval(ctx, pipe, []string{c.Key}, c.Args...)
		case err != nil:
			return err
		}
	}
	_, err := pipe.Exec(ctx)
	return err
}
