package upstream

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Account is the customer WordPress let in at a login, in the plugin's signed
// words.
type Account struct {
	UserID      int64
	Login       string
	Fingerprint string // opaque; goes into the session and every assertion
	// Claims are what the filter cocart_gateway_token_claims added.
	Claims map[string]any
}

// Ended says that a fingerprint of a user is dead: the password or e-mail
// changed, or the user is gone. It may concern the asserted customer, who then
// gets a 401, or any account that the request has just changed.
type Ended struct {
	UserID      int64
	Fingerprint string
	Reason      string // "changed" or "deleted"
}

const (
	typLogin    = "cocart-login+jwt"
	typEnded    = "cocart-ended+jwt"
	replyLeeway = 10 * time.Second
)

type replyClaims struct {
	Issuer      string          `json:"iss"`
	Audience    string          `json:"aud"`
	IssuedAt    int64           `json:"iat"`
	Expiry      int64           `json:"exp"`
	Request     string          `json:"req"`
	Subject     string          `json:"sub"`
	Login       string          `json:"login"`
	Fingerprint string          `json:"fp"`
	Reason      string          `json:"reason"`
	Result      string          `json:"result"`
	Checks      json.RawMessage `json:"checks"`
	Claims      json.RawMessage `json:"claims"`
	Session     string          `json:"sid"`
	Origin      string          `json:"origin"`
	Route       string          `json:"route"`
}

// parseLogin reads the signed login header of an answer to the given assertion.
func (w *WordPress) parseLogin(h http.Header, to sent) (*Account, error) {
	value := h.Get(loginHeader)
	if value == "" {
		return nil, ErrNoPlugin
	}
	c, err := w.verifyReply(value, typLogin, to)
	if err != nil {
		return nil, err
	}
	return c.account()
}

// account reads who may have a session.
func (c *replyClaims) account() (*Account, error) {
	id, err := c.userID()
	if err != nil {
		return nil, err
	}
	if c.Fingerprint == "" || c.Login == "" {
		return nil, badReply("reply header names no account")
	}
	extra, err := c.extraClaims()
	if err != nil {
		return nil, err
	}
	return &Account{UserID: id, Login: c.Login, Fingerprint: c.Fingerprint, Claims: extra}, nil
}

// parseEnded reads the signed headers that end users' sessions. There are
// several when one request changes several accounts.
func (w *WordPress) parseEnded(h http.Header, to sent) ([]Ended, error) {
	var all []Ended
	for _, value := range h[endedHeader] {
		c, err := w.verifyReply(value, typEnded, to)
		if err != nil {
			return nil, err
		}
		id, err := c.userID()
		if err != nil {
			return nil, err
		}
		if c.Fingerprint == "" || (c.Reason != "changed" && c.Reason != "deleted") {
			return nil, badReply("ended header does not say what ended")
		}
		all = append(all, Ended{UserID: id, Fingerprint: c.Fingerprint, Reason: c.Reason})
	}
	return all, nil
}

// verifyReply checks a signed reply header. The binding to the assertion it
// answers is what keeps a recorded reply from ever being played back.
func (w *WordPress) verifyReply(token, typ string, to sent) (*replyClaims, error) {
	var c replyClaims
	if err := to.keys.open(token, typ, &c); err != nil {
		return nil, err
	}
	return &c, w.checkReply(&c, to)
}

// open decodes the claims of a reply that WordPress signed, whenever and in
// answer to whatever that was.
func (keys signingKeys) open(token, typ string, claims any) error {
	head, rest, _ := strings.Cut(token, ".")
	body, sig, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(sig, ".") {
		return badReply("reply header has not three parts")
	}
	key, err := keys.reply(head, typ)
	if err != nil {
		return err
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil || !hmac.Equal(got, mac(key.reply, head+"."+body)) {
		return badReply("reply header has a bad signature")
	}
	return decodePart(body, claims)
}

func (keys signingKeys) reply(head, typ string) (*signingKey, error) {
	var h struct{ Alg, Kid, Typ string }
	if err := decodePart(head, &h); err != nil {
		return nil, err
	}
	if h.Alg != "HS256" || h.Typ != typ {
		return nil, badReply("reply header is of another type")
	}
	for i := range keys {
		if keys[i].kid == h.Kid {
			return &keys[i], nil
		}
	}
	return nil, badReply("reply header was signed with an unknown secret")
}

func (w *WordPress) checkReply(c *replyClaims, to sent) error {
	switch {
	case c.Issuer != "cocart-wordpress":
		return badReply("reply header has another issuer")
	case c.Audience != w.audience:
		return badReply("reply header comes from another site")
	case c.Request != digest(to.assertion):
		return badReply("reply header answers another request")
	case !w.inTimeOf(to, c):
		return badReply("reply header is out of its time; do the clocks agree?")
	}
	return nil
}

// inTimeOf reports whether a reply was valid at some time between its request and the answer. The plugin signs it when something
// happens, and a request that goes on after that may take longer than a reply is valid: an import in wp-admin takes minutes.
func (w *WordPress) inTimeOf(to sent, c *replyClaims) bool {
	now := to.clock.Now()
	asked := now.Add(-max(0, w.steady().Sub(to.at)))
	return began(now, c.IssuedAt) && !expired(asked, c.Expiry)
}

func (c *replyClaims) userID() (int64, error) {
	id, ok := decimalID(c.Subject)
	if !ok {
		return 0, badReply("reply header names no user")
	}
	return id, nil
}

func (c *replyClaims) extraClaims() (map[string]any, error) {
	if len(c.Claims) == 0 {
		return nil, nil
	}
	var m map[string]any
	if err := json.Unmarshal(c.Claims, &m); err != nil {
		return nil, badReply("the extra claims are not an object")
	}
	return m, nil
}

func decodePart(part string, v any) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return badReply("reply header is not base64url")
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return badReply("reply header is not a JSON object")
	}
	return nil
}

func badReply(why string) error { return fmt.Errorf("%w: %w", ErrBadReply, errors.New(why)) }
