package main

import (
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
)

// newGuard returns the rate limits of passwords. Its key is derived from a secret that all gateways of a shop share.
func newGuard(cfg *config.Config, store redis.UniversalClient, log *slog.Logger) (*attempts.Guard, error) {
	return attempts.New(guardConfig(cfg, log), store)
}

// attemptWait is how long a login waits for other logins of its account or address. WordPress checks a password in less
// than a second.
const attemptWait = 5 * time.Second

// guardConfig returns the configuration of package attempts.
func guardConfig(cfg *config.Config, log *slog.Logger) attempts.Config {
	c := cfg.Attempts
	limit := func(l config.Limit) attempts.Limit { return attempts.Limit(l) }
	return attempts.Config{
		Account: limit(c.Account), AccountNetwork: limit(c.AccountNetwork), Address: limit(c.Address), Subnet: limit(c.Subnet),
		Network: limit(c.Network), Overall: limit(c.Overall),
		Newcomer: attempts.Newcomer{
			Account: limit(c.Newcomer.Account), Address: limit(c.Newcomer.Address), Network: limit(c.Newcomer.Network),
		},
		SecondFactor: limit(c.SecondFactor), Refresh: limit(c.Refresh), Validate: limit(c.Validate),
		Wait: attemptWait, Secret: []byte(cfg.Upstream.Secret[0].Reveal()), KeyPrefix: cfg.Redis.Prefix, Now: now, Log: log,
	}
}

func guarding(c config.Attempts, guard *attempts.Guard) gateway.PasswordConfig {
	return gateway.PasswordConfig{Attempts: guard, UniformErrors: c.UniformErrors, SiteLogin: c.SiteLogin, Now: now}
}
