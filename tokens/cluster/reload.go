package cluster

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ReloadOnFailure returns a hook that makes a cluster client ask which server holds which slots as soon as one cannot be
// reached. The client does so by itself after a redirect, but a dead master sends no redirects: without the hook it
// would try that master for a minute, long after a replica has taken over.
func ReloadOnFailure(client *redis.ClusterClient) redis.Hook { return reload{client} }

type reload struct{ client *redis.ClusterClient }

// DialHook does nothing: the nodes of a cluster dial for themselves.
func (r reload) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook looks at the outcome of one command.
func (r reload) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.afterFailure(ctx, err)
		return err
	}
}

// ProcessPipelineHook looks at the outcome of many commands.
func (r reload) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		r.afterFailure(ctx, err)
		return err
	}
}

// afterFailure ignores errors that a server answered, and commands whose client has left. A deadline that is over says that
// a server is silent. The client itself limits how often it reloads.
func (r reload) afterFailure(ctx context.Context, err error) {
	var answered redis.Error
	if err == nil || errors.As(err, &answered) || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	r.client.ReloadState(ctx)
}
