package store

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// openCluster follows redirects, up to three: a server that answers MOVED, ASK, TRYAGAIN or CLUSTERDOWN has not
// carried the command out. The client counts attempts after a broken connection among them; [onceOnly] takes those
// out. Only pipelines are sent again then, and all of ours can be: they write what is the same the second time, or
// count an attempt that may be counted twice.
func openCluster(cfg config.Redis, secure *tls.Config) redis.UniversalClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: cfg.Addresses, Username: cfg.Username, Password: cfg.Password.Reveal(), TLSConfig: secure,
		DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
		PoolSize: cfg.PoolSize, MaxRetries: -1, MaxRedirects: 3, DialerRetries: 1, DisableIdentity: true,
	})
	client.OnNewNode(func(node *redis.Client) { node.AddHook(onceOnly{}) })
	return quotingNothing(client)
}

// onceOnly hides from the cluster client that an error came from the network: it would send the command again,
// to the same server, although it may have been carried out.
type onceOnly struct{}

// DialHook changes nothing.
func (onceOnly) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook wraps what the network did, and leaves alone what a server answered, a caller gave up, or
// befell a server that left the cluster.
func (onceOnly) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		var answered redis.Error
		if err == nil || errors.As(err, &answered) || errors.Is(err, redis.ErrClosed) || ctx.Err() != nil {
			return err
		}
		return &networkError{err}
	}
}

// ProcessPipelineHook changes nothing.
func (onceOnly) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// networkError has no Unwrap, so that the client finds no EOF or timeout in it.
type networkError struct{ cause error }

func (e *networkError) Error() string { return e.cause.Error() }
