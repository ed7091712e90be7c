// Package migration exchanges tokens of CoCart JWT Authentication, the PHP plugin that issued the tokens of a shop
// before the gateway did.
//
//	adopt.go     a refresh token of the plugin becomes a session (compat.plugin_refresh)
//	handback.go  a session becomes a token pair of the plugin, on the way back (compat.hand_back)
//	refused.go   a refresh token that the plugin refused is not asked about again
//	claim.go     one gateway asks WordPress, the others wait for the result
//	access.go    access tokens of the plugin are accepted until they expire (compat.accept_plugin_tokens)
//	otherbearer.go  access tokens of other JWT plugins are recognised (compat.other_bearers)
//
// A shop that never had the plugin has no [Exchange], and package tokens does not know this one.
package migration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/jwt"
)

// Plugin is CoCart JWT Authentication, active behind the gateway. Its calls run for half a minute at most, and go on
// when the client has left: a token that the plugin has spent must not be lost.
type Plugin interface {
	// Refresh has the plugin exchange one of its refresh tokens, which spends the token, and returns the customer and
	// the plugin's new pair. Unknown and Expired are remembered for ten minutes, unless the error is ErrForNow as well.
	Refresh(ctx context.Context, token string) (tokens.Identity, tokens.Pair, error)
	// TakeOver returns a pair of the plugin for the customer of a session. On ErrKeep the session stays with the gateway.
	TakeOver(ctx context.Context, s tokens.Session) (tokens.Pair, error)
}

var (
	// ErrForNow in the chain of a refusal means that another answer may follow at once.
	ErrForNow = errors.New("another answer may follow at once")
	// ErrKeep is the answer of a plugin that has no usable pair for a session.
	ErrKeep = errors.New("the session was not handed back")
)

// Exchange exchanges refresh tokens. It is safe for concurrent use, also by several gateways. While Redis is away it
// asks the plugin nothing and answers ErrUnavailable.
type Exchange struct {
	authority *tokens.Authority
	back      bool
	cfg       tokens.ExchangeSettings
}

// New returns an exchange that issues and ends sessions of an authority. On the way back customers get pairs of the plugin.
func New(authority *tokens.Authority, back bool) *Exchange {
	return &Exchange{authority, back, authority.ExchangeSettings()}
}

// Answers reports whether Refresh answers for a token; else it is one for Authority.Refresh.
func (e *Exchange) Answers(refresh string) bool { return e.back || Foreign(e.authority, refresh) }

// Refresh answers for a refresh token of the plugin, and on the way back for one of ours. Errors of the plugin are returned
// as they are, and the token may be tried again; the others are those of Authority.Refresh. The lifetimes of a pair of the
// plugin are not known.
func (e *Exchange) Refresh(ctx context.Context, refresh string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	if Foreign(e.authority, refresh) {
		return e.exchangeForeign(ctx, refresh, from, plugin)
	}
	return e.handBack(ctx, refresh, from, plugin)
}

// Foreign reports whether a text may be a refresh token of the plugin: none of our secrets made it, and it has the form
// of ours or another one that a filter of the shop may give it. It does no I/O.
func Foreign(authority *tokens.Authority, refresh string) bool {
	err := authority.Recognise(refresh)
	return err != nil && (!errors.Is(err, tokens.Malformed) || isForeignForm(refresh))
}

// isForeignForm reports whether a filter of the shop may have made a refresh token of this form. Shorter ones could be
// found by trying, and words like "undefined" are not tokens; longer ones are not worth the time of PHP. An access token
// is not a refresh token.
func isForeignForm(refresh string) bool {
	if len(refresh) < 16 || len(refresh) > 512 || !utf8.ValidString(refresh) || strings.ContainsFunc(refresh, unicode.IsControl) {
		return false
	}
	return !jwt.Is(refresh)
}

// result is what a refresh token was exchanged for, as it waits in Redis for other tabs and for a client that lost the
// answer. Sealed, it can be opened only with the refresh secret and what it is about.
type result struct {
	Spent string `json:",omitempty"` // our refresh token that stands for one of the plugin: generation 0 of a session

	Access, Refresh string   `json:",omitempty"` // or the plugin's pair,
	User            int64    `json:",omitempty"` // its customer,
	At              int64    `json:",omitempty"` // and when it was issued (Unix ms)
	For             []string `json:",omitempty"` // digests of the refresh tokens of a session that it answers
}

const (
	resultPrefix = "result "
	issuedPrefix = "issued " // and when: a refresh token of the plugin that passed through a gateway
)

func (e *Exchange) seal(r result, about string) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("migration: a result cannot be encoded: " + err.Error()) // strings and numbers always can
	}
	return resultPrefix + e.authority.Seal(text, about)
}

// open returns the result that a value holds, if it is one about this token or session.
func (e *Exchange) open(value, about string) (r result, ok bool) {
	sealed, ok := strings.CutPrefix(value, resultPrefix)
	if !ok {
		return result{}, false
	}
	text, ok := e.authority.Open(sealed, about)
	ok = ok && json.Unmarshal(text, &r) == nil
	return r, ok
}

// claimResult returns a claim on a key, or the result that waits there.
func (e *Exchange) claimResult(ctx context.Context, key, about string) (c claim, r result, found bool, err error) {
	c, value, err := e.claim(ctx, key, func(present string) (ok bool) {
		r, ok = e.open(present, about)
		return ok
	})
	return c, r, value != "", err
}

// answerAgain answers with a pair that was issued a moment ago, unless its customer was logged out since.
func (e *Exchange) answerAgain(ctx context.Context, r result, session string) (tokens.Pair, tokens.Identity, error) {
	if err := e.endedSince(ctx, r.User, r.At); err != nil {
		return e.refuse(err)
	}
	return e.answer(tokens.Pair{Access: r.Access, Refresh: r.Refresh, Session: session}, tokens.Identity{UserID: r.User}, tokens.OutcomeConcurrent)
}

// endedSince returns Ended where any session of a user was ended since a token was issued: by a new password, of which
// the plugin does not always hear, by a logout, or by an operator. since is 0 where the time is not known.
func (e *Exchange) endedSince(ctx context.Context, userID, since int64) error {
	latest, err := e.authority.LatestEnd(ctx, userID)
	if err == nil && latest >= max(since, 1) {
		return tokens.Ended
	}
	return err
}

func (e *Exchange) answer(pair tokens.Pair, who tokens.Identity, v tokens.Outcome) (tokens.Pair, tokens.Identity, error) {
	e.authority.CountExchange(v, nil)
	pair.Outcome = v
	return pair, who, nil
}

func (e *Exchange) refuse(err error) (tokens.Pair, tokens.Identity, error) {
	e.authority.CountExchange("", err)
	return tokens.Pair{}, tokens.Identity{}, err
}

// exchanged names the key of what became of a plugin's refresh token, refused that of its refusal. Both contain a
// digest: a reader of Redis learns no token.
func (e *Exchange) exchanged(token string) string { return e.cfg.KeyPrefix + "p:" + digest(token) }
func (e *Exchange) refused(token string) string   { return e.cfg.KeyPrefix + "n:" + digest(token) }

// handed names the key of the pair that a session was handed back for.
func (e *Exchange) handed(session string) string { return e.cfg.KeyPrefix + "h:" + session }

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// issuedAt reads when the token of a claim was issued (Unix ms); 0 when no gateway saw it.
func (c claim) issuedAt() int64 {
	at, _ := strings.CutPrefix(c.was, issuedPrefix)
	ms, _ := strconv.ParseInt(at, 10, 64)
	return ms
}
