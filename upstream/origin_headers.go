package upstream

import (
	"crypto/subtle"
	"net/http"
	"net/textproto"
	"strings"
)

// carriedHeader holds the client's Authorization where that of the request is the
// password of the web server in front of PHP.
const carriedHeader = "X-Cocart-Gateway-Authorization"

// originHeaders are sent with every request to WordPress, whatever the client sent
// under these names. The keys are canonical.
type originHeaders http.Header

func newOriginHeaders(h http.Header) originHeaders {
	own := originHeaders{}
	for name, values := range h {
		own[http.CanonicalHeaderKey(name)] = values
	}
	return own
}

// addTo puts the headers into a request, after everything else was set.
//
// A request has one Authorization (RFC 9110 section 11.6.2). Where the web server
// takes it, the client's own moves to carriedHeader, and the digest that is returned
// goes into the assertion: otherwise an attacker who can replay an assertion to the
// web server could choose the credentials that it stands for. The digest of an empty
// text says that the client has none, so that the plugin removes the web server's
// password before CoCart takes it for a customer's. It returns "" where the
// Authorization of the request is the client's.
func (o originHeaders) addTo(h http.Header) (carried string) {
	if len(o) == 0 {
		return ""
	}
	client := textproto.TrimString(strings.Join(h["Authorization"], ", ")) // as net/http writes it
	for name := range h {
		// PHP reads X_Name and X-Name as one (see dropUnsafe).
		if _, own := o[http.CanonicalHeaderKey(phpSpelling.Replace(name))]; own {
			delete(h, name)
		}
	}
	for name, values := range o {
		h[name] = values
	}
	if _, own := o["Authorization"]; !own {
		return ""
	}
	if subtle.ConstantTimeCompare([]byte(client), []byte(h["Authorization"][0])) == 1 {
		client = "" // the web server's password, which WordPress would take for an application password
	}
	if client != "" {
		h[carriedHeader] = []string{client}
	}
	return digest(client)
}
