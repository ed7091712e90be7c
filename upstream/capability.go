package upstream

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Capability is what the must-use plugin lets a browser do with the sessions of one user,
// for some seconds. The plugin decides who may: the user, or staff who may edit that user.
type Capability struct {
	UserID int64  // whose sessions
	Act    Act    // what it is for, and nothing else
	Target string // the session that ActEnd ends; "" for ActList
	By     int64  // the user who asked in WordPress
}

// Act is what a capability is for.
type Act string

// The closed list of acts.
const (
	ActList Act = "list" // list the sessions
	ActEnd  Act = "end"  // end one session
)

const (
	typCapability = "cocart-capability+jwt"
	// capabilityLife is the longest life of a capability. A page fetches it right before it
	// uses it.
	capabilityLife = 60 * time.Second
)

// ErrBadCapability is why a capability does not count; it wraps the reason for the log.
var ErrBadCapability = errors.New("the capability is not valid")

type capabilityClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
	Subject  string `json:"sub"`
	Act      Act    `json:"act"`
	Target   string `json:"sid"`
	By       string `json:"by"`
}

// Capability verifies a capability that the must-use plugin signed. It has a key of its
// own, so that neither a reply nor an assertion can be used as one. It may be used more
// than once while it is valid: to list or to end a session again changes nothing. Every
// error is an ErrBadCapability.
func (w *WordPress) Capability(token string) (Capability, error) {
	c, err := w.openCapability(token)
	if err != nil {
		return Capability{}, errors.Join(ErrBadCapability, err)
	}
	return c, nil
}

func (w *WordPress) openCapability(token string) (Capability, error) {
	if len(token) > 4096 {
		return Capability{}, errors.New("it is longer than 4096 bytes")
	}
	head, rest, _ := strings.Cut(token, ".")
	body, sig, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(sig, ".") {
		return Capability{}, errors.New("it does not have three parts")
	}
	key, err := (*w.keys.Load()).reply(head, typCapability)
	if err != nil {
		return Capability{}, err
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil || !hmac.Equal(got, mac(key.capability, head+"."+body)) {
		return Capability{}, errors.New("its signature is wrong")
	}
	var c capabilityClaims
	if err := decodePart(body, &c); err != nil {
		return Capability{}, err
	}
	return w.checkCapability(&c)
}

func (w *WordPress) checkCapability(c *capabilityClaims) (Capability, error) {
	user, fits := decimalID(c.Subject)
	by, named := decimalID(c.By)
	switch {
	case c.Issuer != "cocart-wordpress":
		return Capability{}, errors.New("it has another issuer")
	case c.Audience != w.audience:
		return Capability{}, errors.New("it comes from another site")
	case c.Expiry < c.IssuedAt, c.Expiry-c.IssuedAt > int64(capabilityLife/time.Second):
		return Capability{}, errors.New("it lives too long")
	case !w.inTime(c.IssuedAt, c.Expiry):
		return Capability{}, errors.New("it is out of its time; do the clocks agree?")
	case !fits, !named:
		return Capability{}, errors.New("it names no user")
	case c.Act == ActList && c.Target == "", c.Act == ActEnd && c.Target != "":
		return Capability{UserID: user, Act: c.Act, Target: c.Target, By: by}, nil
	}
	return Capability{}, errors.New("its act is unknown, or lacks a session")
}

// decimalID reads the id of a user as the wire format has it: no sign, no leading zero.
func decimalID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == text
}
