package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"cocart-gateway/gateway/respond"
)

// NewRedirect sends whoever comes by plain HTTP to the same page of the site by https. The method stays what it was
// (308, RFC 9110 section 15.4.9), so that a POST does not arrive as a GET. What was sent in plain has been sent: a
// password is readable on the way once, whatever is answered. Other hosts than the site's get no redirect: one that
// goes where the request says would serve phishers.
func NewRedirect(site *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.RequestURI()
		// A target without a slash (x:.example.net) would become part of the host.
		if !sameHost(r.Host, site.Hostname()) || !strings.HasPrefix(target, "/") {
			respond.Error(w, r, respond.Fail(respond.UnknownHost))
			return
		}
		w.Header().Set("Location", "https://"+site.Host+target)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

// sameHost compares as DNS does, whatever the port.
func sameHost(sent, site string) bool {
	return strings.EqualFold(strings.TrimSuffix(bareHost(sent), "."), site)
}
