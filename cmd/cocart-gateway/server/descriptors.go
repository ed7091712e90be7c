package server

import (
	"fmt"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// ownDescriptors is how many file descriptors the gateway needs besides those of requests: listeners, Redis, files.
const ownDescriptors = 200

// DescriptorsNeeded returns how many file descriptors the limits of cfg allow the gateway to use: each client's connection
// takes one, and each request in flight another to WordPress. It returns 0 if limits.connections is 0.
func DescriptorsNeeded(cfg *config.Config) uint64 {
	clients := cfg.Sockets.Connections * (len(cfg.Listen) + len(cfg.TLS.Listen))
	if clients == 0 {
		return 0
	}
	requests := 0
	for _, shop := range cfg.EachShop() {
		if limit := shop.Upstream.Concurrency.Limit; limit > 0 {
			requests += limit * len(shop.Upstream.Origins())
		} else {
			requests += clients
		}
	}
	return uint64(clients + min(clients, requests) + ownDescriptors)
}

// TooFewDescriptors says what is wrong if limit is less than cfg needs; otherwise it returns "".
func TooFewDescriptors(cfg *config.Config, limit uint64) (found, advice string) {
	needed := DescriptorsNeeded(cfg)
	if limit >= needed {
		return "", ""
	}
	return fmt.Sprintf("limits.connections is %d, but the process may use only %d file descriptors: clients are not answered when they are in use", cfg.Sockets.Connections, limit),
		fmt.Sprintf("raise LimitNOFILE of the unit (ulimit -n, --ulimit nofile) to %d, or lower limits.connections", needed)
}
