// Package doctor examines the configuration, the listeners, Redis and WordPress of a gateway, and reports what is wrong and
// what to do about it. It changes nothing.
//
//	doctor.go     the order of the checks
//	report.go     the results, as text and as JSON
//	config.go     the file, its warnings, tokens and keys
//	listeners.go  the addresses to listen on, certificates and the folder for them
//	redis.go      the permissions of the Redis user, and each server
//	lockouts.go   addresses that are locked out
//	wordpress.go  each web server: whether it answers, and has the plugin and the secret
//	shop.go       what the plugin reports about the shop
//	routes.go     requests to CoCart and to the home page
//	addresses.go  other addresses of the shop: folders of languages and host names
//	migration.go  the old plugin, and how far the move from it is
//
// To add a check, write a method of Report that ends in decide with one row for each result, and call it from examine. Its
// id is part of the JSON output and never changes.
package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// timeout limits each question to Redis, to WordPress or to a port.
const timeout = 10 * time.Second

// Options has what the program provides.
type Options struct {
	Version   string // of this gateway
	Now       func() time.Time
	WordPress func(*config.Config) (*upstream.WordPress, error)
	Attempts  func(*config.Config, redis.UniversalClient) (*attempts.Guard, error)
}

// Examine makes all checks, whatever the first ones find. cfg and err are the result of loading the file at path. Several
// shops are examined one after another; what they share is reported once, and what is of one shop for each, also if two have
// the same problem.
func Examine(ctx context.Context, path string, cfg *config.Config, err error, o Options) *Report {
	all := &Report{OK: true, Options: o}
	if err != nil {
		all.group = "configuration"
		all.invalidConfig(err)
		return all
	}
	known := map[Check]bool{}
	for _, shop := range cfg.EachShop() {
		r := &Report{OK: true, Options: o}
		r.examine(ctx, path, shop)
		for _, c := range r.Checks {
			if known[c] && c.shared() {
				continue
			}
			known[c] = true
			if len(cfg.Shops) > 0 {
				c.Shop = shop.Name
			}
			all.Checks = append(all.Checks, c)
		}
		all.OK = all.OK && r.OK
	}
	return all
}

// ofEachShop are the checks of Redis that depend on the keys of one shop.
var ofEachShop = []string{"redis.permissions", "redis.data", "redis.lockouts"}

// shared reports whether a check is about what all shops have in common.
func (c Check) shared() bool {
	switch c.Group {
	case "tokens", "wordpress":
		return false
	case "redis":
		return !slices.Contains(ofEachShop, c.ID)
	}
	key, warns := strings.CutPrefix(c.ID, "configuration.warning-")
	return !warns || config.Shared(key)
}

func (r *Report) examine(ctx context.Context, path string, cfg *config.Config) {
	r.group = "configuration"
	r.config(cfg, path)
	r.group = "tokens"
	r.tokens(cfg)
	r.group = "listeners"
	r.listeners(ctx, cfg)
	r.certificateStorage(cfg)
	r.certificateName(cfg)
	r.group = "redis"
	r.redis(ctx, cfg)
	r.group = "wordpress"
	r.wordpress(ctx, cfg)
}
