package gateway

import "cocart-gateway/tokens"

// Next makes a Gateway with other settings, and another Authority, that goes on
// where g is: same WordPress, same log, same metrics. An error says what is wrong
// with the settings. g is not touched: what it is serving ends under the settings
// it began with, and both may serve at once.
func (g *Gateway) Next(cfg Config, authority *tokens.Authority) (*Gateway, error) {
	next := *g
	next.authority = authority
	return next.furnish(cfg)
}
