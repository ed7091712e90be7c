package gateway

import (
	"net/http"
	"slices"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/browserlink"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// setResponseHeaders sets the last headers of an answer just before they leave,
// for answers of WordPress, of a handler and of errors.go alike. The storefront's
// answers stay as they are.
func (g *Gateway) setResponseHeaders(x *exchange, status int) {
	h := x.w.Header()
	accesslog.SetID(h, x.id)
	preventTypeGuess(h)
	ours := x.record.class.IsCoCart()
	setLimitHeaders(h, x.w.limit)
	g.setSessionCookie(x, h)
	if ours {
		h["Vary"] = g.vary.With(h["Vary"])
		challenge(h, status)
		g.reportCached(x, h)
		if !g.cfg.KeepCartKeyNames {
			mirrorCartKey(h)
		}
	}
	if x.record.class == wprequest.ClassBrowser {
		browserlink.SetHeaders(h)
	}
	if ours || x.granted {
		g.preventCaching(x, h, status)
	}
	if g.setsCORS(x) {
		g.setCORSHeaders(x, h)
	}
}

// preventTypeGuess keeps net/http from guessing a Content-Type that WordPress did not
// send: what an attacker uploaded as text could become a page with scripts.
func preventTypeGuess(h http.Header) {
	if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil
	}
}

// canonical returns names of headers as they stand in a header.
func canonical(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = http.CanonicalHeaderKey(name)
	}
	return all
}

// challenge completes a 401 without a challenge, which RFC 9110 section 15.5.2
// requires: WordPress sends none. The scheme is Bearer, because browsers open a
// dialog for Basic.
func challenge(h http.Header, status int) {
	if status == http.StatusUnauthorized && len(h["Www-Authenticate"]) == 0 {
		h["Www-Authenticate"] = []string{respond.Challenge}
	}
}

// cartHeaderPairs are the two spellings of each header that names a guest's cart:
// Community 4 of CoCart sends the second, its JavaScript and Swift clients read
// the first.
var cartHeaderPairs = [][2]string{
	{"Cart-Key", "Cocart-Api-Cart-Key"},
	{"Cart-Expiring", "Cocart-Api-Cart-Expiring"},
	{"Cart-Expiration", "Cocart-Api-Cart-Expiration"},
}

// mirrorCartKey sends a guest's cart key and its times in both spellings. The number of a
// customer stays in the one that CoCart chose: the official JavaScript client would keep
// it from Cart-Key and send it after the logout, where it is another customer's key.
func mirrorCartKey(h http.Header) {
	for _, name := range wprequest.CartKeyHeaders {
		if slices.ContainsFunc(h[name], wprequest.IsCustomerCart) {
			return
		}
	}
	for _, pair := range cartHeaderPairs {
		one, other := h[pair[0]], h[pair[1]]
		switch {
		case len(one) == 0 && len(other) > 0:
			h[pair[0]] = slices.Clone(other)
		case len(other) == 0 && len(one) > 0:
			h[pair[1]] = slices.Clone(one)
		}
	}
}
