package store

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/tokens/rediserror"
)

// openSentinel follows the master. Connections to the one before are closed by the client when the Sentinels announce it,
// and by the Sentinels when they demote it, so that hardly a command meets a server that may not write.
func openSentinel(cfg config.Redis, secure *tls.Config) redis.UniversalClient {
	return quotingNothing(redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: cfg.Master, SentinelAddrs: cfg.Addresses,
		SentinelUsername: cfg.SentinelUsername, SentinelPassword: cfg.SentinelPassword.Reveal(),
		Username: cfg.Username, Password: cfg.Password.Reveal(), DB: cfg.DB, TLSConfig: secure,
		DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
		PoolSize: cfg.PoolSize, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
	}))
}

// Successor returns what finds the server that took over from a master which still takes writes (tokens.Config.Successor), or nil
// without Sentinels. It gives no client if no server took over, or if the servers do not answer in time.
//
// In a planned failover a replica is a master already while the Sentinels name the old one for about a second more, and after
// that the old one calls itself a master for some seconds. Of two that call themselves a master, the successor has the
// replication id of the other one as its second (INFO replication: master_replid2).
func Successor(cfg config.Redis) (func(context.Context) (redis.UniversalClient, error), error) {
	if cfg.Embedded() || cfg.Mode != "sentinel" {
		return nil, nil
	}
	secure, err := redisTLS(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (redis.UniversalClient, error) {
		addresses, err := watched(ctx, cfg, secure)
		if err != nil {
			return nil, err
		}
		masters := mastersOf(ctx, cfg, secure, addresses)
		for _, m := range masters {
			for _, other := range masters {
				if m.before == other.history {
					return openAt(m.address, cfg, secure), nil
				}
			}
		}
		return nil, nil
	}, nil
}

// watched asks the Sentinels, one after the other, for the addresses of the master and its replicas.
func watched(ctx context.Context, cfg config.Redis, secure *tls.Config) ([]string, error) {
	var problems []error
	for _, address := range cfg.Addresses {
		sentinel := redis.NewSentinelClient(&redis.Options{
			Addr: address, Username: cfg.SentinelUsername, Password: cfg.SentinelPassword.Reveal(), TLSConfig: secure,
			DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
			MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
		})
		sentinel.AddHook(rediserror.Unquoted())
		master, err := sentinel.GetMasterAddrByName(ctx, cfg.Master).Result()
		replicas, err2 := sentinel.Replicas(ctx, cfg.Master).Result()
		_ = sentinel.Close()
		if err = errors.Join(err, err2); err != nil {
			problems = append(problems, err)
			continue
		}
		addresses := []string{net.JoinHostPort(master[0], master[1])}
		for _, r := range replicas {
			addresses = append(addresses, net.JoinHostPort(r["ip"], r["port"]))
		}
		return addresses, nil
	}
	return nil, errors.Join(problems...)
}

// master is a server that takes writes, and the ids of its data: now, and before it took over from another one.
type master struct{ address, history, before string }

// mastersOf asks all servers at the same time. One that does not answer is left out.
func mastersOf(ctx context.Context, cfg config.Redis, secure *tls.Config, addresses []string) (masters []master) {
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, address := range addresses {
		client := openAt(address, cfg, secure)
		asked.Go(func() {
			defer func() { _ = client.Close() }()
			said := client.InfoMap(ctx, "replication")
			if said.Item("Replication", "role") == "master" {
				mu.Lock()
				defer mu.Unlock()
				masters = append(masters, master{address, said.Item("Replication", "master_replid"), said.Item("Replication", "master_replid2")})
			}
		})
	}
	asked.Wait()
	return masters
}

// openAt opens a client of one of the servers that Sentinels know.
func openAt(address string, cfg config.Redis, secure *tls.Config) redis.UniversalClient {
	cfg.Addresses = []string{address}
	return openStandalone(cfg, secure)
}
