package upstream

import (
	"net/http"
	"slices"
)

// Session is a session that WordPress begins, or keeps, with its answer to a forwarded request, in the plugin's signed words:
// a plugin of the shop called CoCartGateway\begin_session(), or the asserted customer has just changed the own password.
type Session struct {
	Account
	// Continues is the asserted session, which goes on with Fingerprint; "" for a new session.
	Continues string
	// Origin is the PHP file and line that began it, and Route the REST route that WordPress dispatched. For the log only.
	Origin, Route string
}

const typSession = "cocart-session+jwt"

// beginners are the kinds of requests in whose answers WordPress may begin a session. The others are logins themselves, or
// serve the gateway.
var beginners = []Kind{Site, Guest, Credentials, Customer}

// parseSession reads the signed header that begins or keeps a session; nil if it is absent.
//
// Attack: a recorded header in the answer to another request would log a stranger in. Prevention: verifyReply wants the
// assertion of this very request, and a session that goes on must be the one that this assertion names.
func (w *WordPress) parseSession(h http.Header, a Assertion, to sent) (*Session, error) {
	values := h[sessionHeader]
	if len(values) == 0 {
		return nil, nil
	}
	if len(values) > 1 || !slices.Contains(beginners, a.Kind) {
		return nil, badReply("a session header where none belongs")
	}
	c, err := w.verifyReply(values[0], typSession, to)
	if err != nil {
		return nil, err
	}
	account, err := c.account()
	if err != nil {
		return nil, err
	}
	s := &Session{Account: *account, Continues: c.Session, Origin: c.Origin, Route: c.Route}
	if s.Continues != "" && (a.Kind != Customer || s.Continues != a.Session || s.UserID != a.UserID) {
		return nil, badReply("session header continues another session than the asserted one")
	}
	return s, nil
}
