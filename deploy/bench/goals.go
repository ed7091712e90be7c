package main

import (
	"cocart-gateway/deploy/bench/figures"
)

// rows judges the rounds. Each row is a number that the project promises; its id stays the same.
func (r *rounds) rows() []figures.Row {
	rows := r.forwarded()
	rows = append(rows, r.compared()...)
	gateway := func(request string) []figures.Sample { return r.of("gateway", request) }
	for _, refusal := range []struct{ id, request string }{
		{"5-signature", badToken}, {"5-expired", oldToken}, {"5-revoked", ended}, {"5-preflight", preflight}, {"5-429", tooMany},
	} {
		ratio := figures.Ratio(gateway(refusal.request), gateway(customer), figures.CPU)
		rows = append(rows, figures.AtMost(refusal.id, "refused, "+refusal.request+": CPU", ratio, 0.5, "× row 1"))
	}
	return append(rows,
		figures.AtLeast("7-refresh", "refreshes, limits counting", figures.Of(r.of("gateway-logins", renewal), figures.Rate), 10_000, "/s"),
		figures.AtLeast("7-login", "logins, limits counting, WordPress answering at once", figures.Of(r.of("gateway-logins", entry), figures.Rate), 5_000, "/s"),
		figures.AtMost("10", "added p50 latency at one connection", figures.Difference(gateway(one), r.of("bare", one), figures.P50), 15, "µs"))
}

func (r *rounds) forwarded() []figures.Row {
	gateway, bare := r.of("gateway", customer), r.of("bare", customer)
	rows := []figures.Row{
		figures.AtMost("1", "customer's request, token seen before: CPU", figures.Ratio(gateway, bare, figures.CPU), 1.15, "× bare"),
		figures.AtMost("2-guest", "guest's request: CPU", figures.Ratio(r.of("gateway", guest), r.of("bare", guest), figures.CPU), 1.10, "× bare"),
		figures.AtMost("2-page", "page of the storefront: CPU", figures.Ratio(r.of("gateway", page), r.of("bare", page), figures.CPU), 1.00, "× bare"),
	}
	for _, name := range []string{"RS256", "ES256", "EdDSA"} {
		ratio := figures.Ratio(r.of("gateway", customer+", "+name), gateway, figures.CPU)
		rows = append(rows, figures.AtMost("3-"+name, name+" token seen before: CPU", ratio, 1.03, "× row 1"))
	}
	return append(rows, figures.AtMost("3-first", "HS256 token not seen before: CPU", figures.Ratio(r.of("gateway", firstSeen), gateway, figures.CPU), 1.10, "× row 1"))
}

// compared are the rows with other proxies. Those without Caddy are left out if it was not built.
func (r *rounds) compared() []figures.Row {
	gateway := r.of("gateway", customer)
	rows := []figures.Row{figures.AtLeast("4-haproxy", "requests/s in relation to HAProxy with jwt_verify HS256",
		figures.Ratio(gateway, r.of(haproxyJWTName, customer), figures.Rate), 0.5, "×")}
	if len(r.of(caddyJWTName, customer)) == 0 {
		return rows
	}
	return append(rows,
		figures.AtMost("4-caddy", "CPU in relation to Caddy with a JWT handler", figures.Ratio(gateway, r.of(caddyJWTName, customer), figures.CPU), 0.45, "×"),
		figures.AtMost("11", "HTTP/2 and TLS: CPU in relation to Caddy without authentication",
			figures.Ratio(r.of(encryptedName, http2), r.of(caddyName+" TLS", http2), figures.CPU), 0.7, "×"))
}

// candidates are the summaries of all measures.
func (r *rounds) candidates() []figures.Candidate {
	var all []figures.Candidate
	for _, m := range r.measures {
		others := map[string][]figures.Sample{}
		for _, other := range r.measures {
			if other.request == m.request && other.program.name != m.program.name && (other.program.name == "bare" || m.program.name == "gateway") {
				others[other.program.name] = r.samples[other.key()]
			}
		}
		all = append(all, figures.Summary(m.program.name, m.request, r.samples[m.key()], others))
	}
	return all
}
