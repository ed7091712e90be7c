package tokens

import (
	"sync/atomic"
	"time"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// verified is a token whose signature and contents were found good once. What can change since then (time, key
// retirement, revocation) is looked at on every use.
type verified struct {
	access    Access
	session   revocation.SessionID // zero for a plugin token
	created   int64                // of the session, or of a plugin token, in Unix milliseconds
	notBefore int64                // Unix seconds
	expiry    int64                // Unix seconds
	key       *keys.Key
	noted     atomic.Int64 // when its use was last noted, in Unix milliseconds
}

// token is what decides whether the token is revoked.
func (v *verified) token() revocation.Token {
	return revocation.Token{Session: v.session, Generation: v.access.Generation, User: v.access.UserID, Created: v.created,
		Fingerprint: v.access.Fingerprint, Plugin: v.fromPlugin()}
}

func (v *verified) fromPlugin() bool { return v.access.Session == "" }

// Verify judges an access token: in form, signature, issuer, audience, time, and against the revocations known
// here. It does no I/O, so it works on while Redis is down, and it is safe for concurrent use. Every error is a
// Rejection. What it returns is shared: read it only.
func (a *Authority) Verify(access string) (*Access, error) {
	now := a.cfg.Now()
	v, err := a.judge(access, now)
	if err != nil {
		a.metrics.rejectAccess(err)
		return nil, err
	}
	a.noteUse(v, now)
	return &v.access, nil
}

func (a *Authority) judge(token string, now time.Time) (*verified, error) {
	v, hit := a.cache.get(token)
	if !hit {
		var err error
		if v, err = a.examine(token, now); err != nil {
			return nil, err
		}
	}
	if err := a.current(v, now); err != nil {
		return nil, err
	}
	if !hit {
		a.cache.put(token, v)
	}
	return v, nil
}

// examine checks what cannot change about a token.
func (a *Authority) examine(token string, now time.Time) (*verified, error) {
	parts, err := split(token)
	if err != nil {
		return nil, err
	}
	if key, ours := a.keys.ByHeader(parts.head); ours {
		return a.examineOurs(parts, key)
	}
	parts, prefixed := a.withoutPrefix(parts)
	h, err := parseHeader(parts.head)
	switch {
	case err != nil:
		return nil, err
	case h.KeyID == nil:
		return a.examinePlugins(parts, h)
	case prefixed:
		return nil, Malformed // ours have one spelling
	}
	key, known := a.keys.Known(*h.KeyID, now)
	if !known {
		return nil, UnknownKey
	}
	if h.Algorithm != key.Algorithm() {
		return nil, WrongAlgorithm
	}
	return a.examineOurs(parts, key)
}

// payload is read only after the signature was found good.
func (a *Authority) payload(parts segments, key *keys.Key) (*received, error) {
	if err := parts.check(key); err != nil {
		return nil, err
	}
	p, err := parsePayload(parts.payload)
	if err != nil {
		return nil, err
	}
	if p.Issuer != a.issuer(key) {
		return nil, WrongIssuer
	}
	return p, nil
}

func (a *Authority) issuer(key *keys.Key) string {
	if key == a.plugin {
		return a.cfg.PluginIssuer
	}
	return a.cfg.Issuer
}

func (a *Authority) examineOurs(parts segments, key *keys.Key) (*verified, error) {
	p, err := a.payload(parts, key)
	if err != nil {
		return nil, err
	}
	if aud, ok := p.audience(); !ok || a.cfg.Audience != "" && aud != a.cfg.Audience {
		return nil, WrongAudience
	}
	return p.ours(key)
}

// check verifies the signature with the key's own algorithm.
func (parts segments) check(key *keys.Key) error {
	signature, err := strictBase64.DecodeString(parts.signature)
	if err != nil {
		return Malformed
	}
	if key.Verify(parts.signed, signature) != nil {
		return BadSignature
	}
	return nil
}

// current checks what can change about a good token: the same for a remembered one and for a new one.
func (a *Authority) current(v *verified, now time.Time) error {
	seconds := now.Unix()
	leeway := int64(a.cfg.Leeway / time.Second)
	switch {
	case v.key.Retired(now):
		return UnknownKey
	case seconds >= v.expiry+leeway:
		return Expired
	case seconds < v.notBefore-leeway:
		return NotYetValid
	case a.stale(now):
		return Stale
	case a.revoked.Covers(v.token(), now):
		return Revoked
	}
	return nil
}

// stale tells whether the operator would rather refuse than judge by an old view.
func (a *Authority) stale(now time.Time) bool {
	return a.cfg.OnStale == Deny && a.cfg.MaxStaleness > 0 && a.follower.age(now) > a.cfg.MaxStaleness
}
