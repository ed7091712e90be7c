package tokens

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// clusterReload has a cluster client ask again who serves what as soon as a server cannot be reached. By itself it
// does so after a redirect, but a dead master redirects nobody: then it would knock at its door for a minute, long
// after a replica has taken over.
type clusterReload struct {
	cluster *redis.ClusterClient
}

// DialHook does nothing: the nodes of a cluster dial for themselves.
func (r clusterReload) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook looks at the outcome of one command.
func (r clusterReload) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.afterFailure(ctx, err)
		return err
	}
}

// ProcessPipelineHook looks at the outcome of many.
func (r clusterReload) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		r.afterFailure(ctx, err)
		return err
	}
}

// afterFailure leaves alone what a server answered. The client itself keeps reloads apart.
func (r clusterReload) afterFailure(ctx context.Context, err error) {
	var answered redis.Error
	if err == nil || errors.As(err, &answered) || ctx.Err() != nil {
		return
	}
	r.cluster.ReloadState(ctx)
}
