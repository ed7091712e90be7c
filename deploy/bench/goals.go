package main

import "cocart-gateway/deploy/bench/figures"

// rows judges the rounds. Each row is a number that the project promises; its id stays the same.
func (r *rounds) rows() []figures.Row {
	gateway, bare := func(request string) []figures.Sample { return r.of("gateway", request) }, func(request string) []figures.Sample { return r.of("bare", request) }
	rows := []figures.Row{
		figures.AtMost("1", "customer's request, token seen before: CPU", figures.Ratio(gateway(customer), bare(customer), figures.CPU), 1.15, "× bare"),
		figures.AtMost("2-guest", "guest's request: CPU", figures.Ratio(gateway(guest), bare(guest), figures.CPU), 1.10, "× bare"),
		figures.AtMost("2-page", "page of the storefront: CPU", figures.Ratio(gateway(page), bare(page), figures.CPU), 1.00, "× bare"),
	}
	for _, refusal := range []struct{ id, request string }{
		{"5-signature", badToken}, {"5-expired", oldToken}, {"5-revoked", ended}, {"5-preflight", preflight}, {"5-429", tooMany},
	} {
		ratio := figures.Ratio(gateway(refusal.request), gateway(customer), figures.CPU)
		rows = append(rows, figures.AtMost(refusal.id, "refused, "+refusal.request+": CPU", ratio, 0.5, "× row 1"))
	}
	return append(rows, figures.AtMost("10", "added p50 latency at one connection", figures.Difference(gateway(one), bare(one), figures.P50), 15, "µs"))
}

// candidates are the summaries of all measures.
func (r *rounds) candidates() []figures.Candidate {
	var all []figures.Candidate
	for _, m := range r.measures {
		others := map[string][]figures.Sample{}
		for _, other := range r.measures {
			if other.request == m.request && other.program.name != m.program.name {
				others[other.program.name] = r.samples[other.key()]
			}
		}
		all = append(all, figures.Summary(m.program.name, m.request, r.samples[m.key()], others))
	}
	return all
}
