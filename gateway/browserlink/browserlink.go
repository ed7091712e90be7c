// Package browserlink logs a customer's browser in by a link that the customer's app asks for: POST …/jwt/browser answers it,
// and a browser that follows it within a minute gets WordPress's own login cookie and goes on to the checkout.
//
//	browserlink.go  making a link
//	follow.go       who may follow it, and what the browser reads
package browserlink

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/ticket"
)

// Links makes and follows the links of one site.
type Links struct {
	site string // its URL, without a slash at the end
	book *ticket.Book
}

// New returns the links of a site, whose tickets belong to sessions of the authority.
func New(site *url.URL, authority *tokens.Authority) *Links {
	return &Links{strings.TrimRight(site.String(), "/"), ticket.New(authority)}
}

// Write answers a request for a link with the verified access token. to is the path below the site where the browser goes
// then; "" lets WordPress choose. It returns a failure for any other place, tokens.Unknown for a token without a session,
// a *ticket.TooManyError for a session with too many links, and tokens.ErrUnavailable when Redis is away.
func (l *Links) Write(w http.ResponseWriter, r *http.Request, access *tokens.Access, to string) error {
	if to != "" && !isPath(to) {
		return respond.Fail(respond.BadRequest).WithMessage("Invalid parameter(s): redirect. It must be a path of the shop that begins with one slash.")
	}
	t, err := l.book.Issue(r.Context(), access, to)
	if err != nil {
		return err
	}
	respond.JSON(w, r, http.StatusOK, struct {
		URL       string `json:"url"`
		ExpiresIn int64  `json:"expires_in"`
	}{l.site + "/?" + wprequest.BrowserParameter + "=" + t, int64(ticket.Life / time.Second)})
	return nil
}

// longest is the most bytes of a path: an assertion has 4096 for everything.
const longest = 1024

// isPath reports whether a text is a path of the site, with or without a query.
//
// Attack: an open redirect. A thief of a token, or a link in the app's own data, sends the browser that was just logged in to
// a page that looks like the shop. Prevention: one slash and no second one, and nothing that browsers take for a slash, or
// leave out before they look: "//evil.example", "/\evil.example", "/<tab>/evil.example".
func isPath(to string) bool {
	if len(to) > longest || to[0] != '/' || len(to) > 1 && to[1] == '/' {
		return false
	}
	return !strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' })
}
