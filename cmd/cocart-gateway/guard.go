package main

import (
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
)

// newGuard makes what counts passwords. Its key comes from the secret that every gateway of a shop has.
func newGuard(cfg *Config, store redis.UniversalClient, log *slog.Logger) (*attempts.Guard, error) {
	return attempts.New(cfg.attempts(log), store)
}

// attemptWait is how long a login waits for others of its account or address that are being checked. WordPress checks a
// password in less than a second.
const attemptWait = 5 * time.Second

func (cfg *Config) attempts(log *slog.Logger) attempts.Config {
	c := cfg.Guard
	return attempts.Config{
		Account: c.Account, AccountNetwork: c.AccountNetwork, Address: c.Address, Subnet: c.Subnet, Network: c.Network, Overall: c.Overall,
		Newcomer: c.Newcomer, SecondFactor: c.SecondFactor, Refresh: c.Refresh, Validate: c.Validate,
		Wait: attemptWait, Secret: []byte(cfg.Upstream.Secret[0].Reveal()), KeyPrefix: cfg.Redis.Prefix, Now: now, Log: log,
	}
}

func guarding(c GuardConfig, guard *attempts.Guard) gateway.Guarding {
	return gateway.Guarding{Attempts: guard, UniformErrors: c.UniformErrors, SiteLogin: c.SiteLogin, Now: now}
}
