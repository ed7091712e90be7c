package tokens

import (
	"slices"
	"sync/atomic"
	"time"

	"cocart-gateway/tokens/cache"
	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// verified is a token whose signature and contents were verified once. What can change since then (time, key retirement,
// revocation) is checked on every use.
type verified struct {
	access    Access
	session   revocation.SessionID // zero for a plugin token
	created   int64                // of the session, or of a plugin token, in Unix milliseconds
	notBefore int64                // Unix seconds
	expiry    int64                // Unix seconds
	key       *keys.Key            // nil for a plugin token
	noted     atomic.Int64         // when its use was last noted, in Unix milliseconds
}

// token returns what decides whether the token is revoked.
func (v *verified) token() revocation.Token {
	return revocation.Token{Session: v.session, Generation: v.access.Generation, User: v.access.UserID, Created: v.created,
		Fingerprint: v.access.Fingerprint, Plugin: v.fromPlugin()}
}

func (v *verified) fromPlugin() bool { return v.access.Session == "" }

// Verify checks an access token: form, signature, issuer, audience, time, and the revocations known here. It does no I/O,
// so it works while Redis is away, and it is safe for concurrent use. After this process was stopped for a while it waits
// until Run read the revocations, for Config.WaitLimit at most. Every error is a Rejection. The result is shared between
// callers and must not be changed.
func (a *Authority) Verify(access string) (*Access, error) {
	now := a.cfg.Now()
	v, err := a.check(access, now)
	if err != nil {
		a.metrics.rejectAccess(err)
		return nil, err
	}
	a.noteUse(v, now)
	return &v.access, nil
}

func (a *Authority) check(token string, now time.Time) (*verified, error) {
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
		a.cache.entries.Put(token, v)
	}
	return v, nil
}

// examine checks what cannot change about a token.
func (a *Authority) examine(token string, now time.Time) (*verified, error) {
	parts, err := jwt.Split(token)
	if err != nil {
		return nil, Malformed
	}
	if key, ours := a.keys.ByHeader(parts.Head); ours {
		return a.examineOurs(parts, key)
	}
	h, err := parts.Header()
	if a.cfg.Plugin != nil && (err != nil || h.KeyID == nil) {
		return a.examinePlugins(token)
	}
	switch {
	case err != nil:
		return nil, Malformed
	case h.KeyID == nil && !slices.Contains(keys.Algorithms(), h.Algorithm):
		return nil, WrongAlgorithm
	case h.KeyID == nil:
		return nil, UnknownKey
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

// examinePlugins checks a token of the PHP plugin. It belongs to no session: it ends with any cutoff of its user, with its
// exp, and when WordPress no longer knows its PAT.
func (a *Authority) examinePlugins(token string) (*verified, error) {
	access, notBefore, err := a.cfg.Plugin.Examine(token)
	if err != nil {
		return nil, err
	}
	return &verified{access: access, created: access.IssuedAt.UnixMilli(), notBefore: notBefore.Unix(), expiry: access.Expiry.Unix()}, nil
}

// examineOurs reads the payload only after the signature was found good.
func (a *Authority) examineOurs(parts jwt.Parts, key *keys.Key) (*verified, error) {
	signature, err := parts.SignatureBytes()
	if err != nil {
		return nil, Malformed
	}
	if key.Verify(parts.Signed, signature) != nil {
		return nil, BadSignature
	}
	p, err := parsePayload(parts.Payload)
	if err != nil {
		return nil, err
	}
	if p.Issuer != a.cfg.Issuer {
		return nil, WrongIssuer
	}
	if aud, ok := p.audience(); !ok || a.cfg.Audience != "" && aud != a.cfg.Audience {
		return nil, WrongAudience
	}
	return p.ours(key)
}

// current checks what can change about a verified token, from the cache or not.
func (a *Authority) current(v *verified, now time.Time) error {
	if a.log.Stopped(now) {
		a.log.WaitAfterStop(a.cfg.WaitLimit)
		now = a.cfg.Now()
	}
	seconds := now.Unix()
	leeway := int64(a.cfg.Leeway / time.Second)
	switch {
	case v.key != nil && v.key.Retired(now):
		return UnknownKey
	case seconds >= v.expiry+leeway:
		return Expired
	case seconds < v.notBefore-leeway:
		return NotYetValid
	case a.stale(now):
		return Stale
	case a.revoked.Covers(v.token(), now):
		return Revoked
	case a.lossUnknown():
		return Stale
	case a.fromBeforeLoss(v):
		return DataLost
	}
	return nil
}

// stale reports whether the view of revocations is too old and the operator chose to refuse tokens then.
func (a *Authority) stale(now time.Time) bool {
	return a.cfg.OnStale == Deny && a.cfg.MaxStaleness > 0 && a.log.Age(now) > a.cfg.MaxStaleness
}

// verifiedCache holds verified tokens by their whole text, so that no two tokens can share an entry. A hit saves checking
// the signature and parsing the JSON, and nothing else: see current.
type verifiedCache struct {
	entries *cache.Cache[*verified] // nil when off
	metrics *metrics
}

func newVerifiedCache(size int, m *metrics) (verifiedCache, error) {
	if size == 0 {
		return verifiedCache{metrics: m}, nil
	}
	entries, err := cache.New[*verified](size)
	return verifiedCache{entries: entries, metrics: m}, err
}

func (c verifiedCache) get(token string) (*verified, bool) {
	if c.entries == nil {
		return nil, false
	}
	v, ok := c.entries.Get(token)
	if ok {
		c.metrics.cacheHits.Inc()
	} else {
		c.metrics.cacheMisses.Inc()
	}
	return v, ok
}
