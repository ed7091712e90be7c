package main

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

// errEmbedded is why a command of its own cannot see sessions of a trial gateway.
var errEmbedded = errors.New("redis.address is embedded: the sessions live inside the running gateway and nowhere else; " +
	"ask its admin listener (admin.listen, with admin.token), or configure a Redis server")

// sessions are those that running gateways share, for a command. close must be called.
type sessions struct {
	*tokens.Authority
	cfg   *config.Config
	close func()
}

// openSessions loads the configuration and knows what running gateways know: it has read the revocations to their end.
func (t terminal) openSessions(ctx context.Context, of shopOf) (*sessions, error) {
	cfg, err := t.loadShop(of)
	if err != nil {
		return nil, err
	}
	if cfg.Redis.Embedded() {
		return nil, errEmbedded
	}
	a, closeStore, err := t.openAuthority(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.CatchUp(ctx); err != nil {
		closeStore()
		return nil, err
	}
	return &sessions{a, cfg, closeStore}, nil
}

// openAuthority returns an Authority with the configuration of the gateway. It logs nothing: the command reports in its
// output.
func (t terminal) openAuthority(cfg *config.Config) (*tokens.Authority, func(), error) {
	client, closeStore, err := openStoreOfAnother(cfg.Redis)
	if err != nil {
		return nil, nil, err
	}
	a, err := newAuthority(cfg, client, prometheus.NewRegistry(), t.now, discard)
	if err != nil {
		closeStore()
		return nil, nil, err
	}
	return a, closeStore, nil
}

// openStoreOfAnother is store.Open, except that an embedded store is that of another process: out of reach. The library
// logs nothing beside what the command reports.
func openStoreOfAnother(cfg config.Redis) (redis.UniversalClient, func(), error) {
	redis.SetLogger(libraryLog{discard})
	if !cfg.Embedded() {
		return store.Open(cfg)
	}
	client := redis.NewClient(&redis.Options{MaxRetries: -1, DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errEmbedded }})
	return client, func() { _ = client.Close() }, nil
}

// since returns a time and how far it is from now.
func (t terminal) since(at time.Time) string {
	return term.Timestamp(at) + ", " + term.Relative(t.now(), at)
}
