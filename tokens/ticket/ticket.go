// Package ticket keeps one-time tickets by which a browser goes on as the customer of a session.
//
// A ticket is 32 random bytes. Redis has only its hash as a key, and what it stands for encrypted with the refresh secret and
// the ticket itself: neither a reader nor a writer of Redis can make or spend one. Redis also has which tickets of a session
// are open (open.lua), because a session may have a few only.
package ticket

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
)

// Life is how long a ticket is valid.
const Life = time.Minute

// MostOpen is how many tickets of one session may be open: made, and neither spent nor expired.
//
// Attack: a thief of an access token, or a loop in an app, makes links without end. Each is a login that works in any browser
// for a minute, and memory of Redis. Prevention: a customer opens one or two at a time.
const MostOpen = 5

// TooManyError is the error for a session that has MostOpen open tickets.
type TooManyError struct {
	Wait time.Duration // until the first of them expires, unless one is spent before
}

// Error implements error.
func (e *TooManyError) Error() string { return "the session has too many open tickets" }

const size = 32 // bytes

//go:embed open.lua
var openSource string

var openScript = redis.NewScript(openSource)

// Ticket is what a ticket stands for.
type Ticket struct {
	Session     string    `json:"sid"`
	UserID      int64     `json:"sub"`
	Login       string    `json:"login"`
	Fingerprint string    `json:"fp"`
	To          string    `json:"to"` // where the browser goes then, as the caller gave it
	Expires     time.Time `json:"exp"`
}

// Book issues and spends tickets. It is safe for concurrent use, also by several gateways, which share the tickets by Redis.
type Book struct {
	authority *tokens.Authority
	cfg       tokens.ExchangeSettings
}

// New returns the book beside the sessions of an authority.
func New(authority *tokens.Authority) *Book { return &Book{authority, authority.ExchangeSettings()} }

// Issue writes a ticket for the session of a verified access token. It returns tokens.Unknown for a token without a session,
// a *TooManyError for a session with MostOpen open tickets, and tokens.ErrUnavailable when Redis is away.
func (b *Book) Issue(ctx context.Context, access *tokens.Access, to string) (string, error) {
	if access.Session == "" {
		return "", tokens.Unknown
	}
	var raw [size]byte
	rand.Read(raw[:])
	ticket := base64.RawURLEncoding.EncodeToString(raw[:])
	expires := b.cfg.Now().Add(Life)
	text, err := json.Marshal(Ticket{access.Session, access.UserID, access.Login, access.Fingerprint, to, expires})
	if err != nil {
		return "", fmt.Errorf("encoding a ticket: %w", err)
	}
	if err := b.open(ctx, access.Session, raw, expires); err != nil {
		return "", err
	}
	if err := b.cfg.Redis.Set(ctx, b.key(raw), b.authority.Seal(text, ticket), Life).Err(); err != nil {
		return "", unavailable("writing a ticket", err)
	}
	return ticket, nil
}

// open counts a ticket to its session. If its writing fails afterwards it counts until it would have expired.
func (b *Book) open(ctx context.Context, session string, raw [size]byte, expires time.Time) error {
	now := expires.Add(-Life)
	first, err := openScript.Run(ctx, b.cfg.Redis, []string{b.openKey(session)}, name(raw), expires.UnixMilli(), now.UnixMilli(), MostOpen).Int64()
	switch {
	case err != nil:
		return unavailable("counting the open tickets", err)
	case first != 0:
		return &TooManyError{time.UnixMilli(first).Sub(now)}
	}
	return nil
}

// Look returns what a ticket stands for and does not spend it. The errors are those of Spend.
func (b *Book) Look(ctx context.Context, ticket string) (Ticket, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(raw) != size {
		return Ticket{}, tokens.Malformed
	}
	sealed, err := b.cfg.Redis.Get(ctx, b.key([size]byte(raw))).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return Ticket{}, tokens.Unknown
	case err != nil:
		return Ticket{}, unavailable("reading a ticket", err)
	}
	var t Ticket
	text, ok := b.authority.Open(sealed, ticket)
	switch {
	case !ok || json.Unmarshal(text, &t) != nil:
		return Ticket{}, tokens.Unknown
	case !b.cfg.Now().Before(t.Expires): // Redis has a clock of its own
		return Ticket{}, tokens.Expired
	}
	return t, b.checkSession(ctx, t)
}

// Spend returns what a ticket stands for, once: of two that spend it at the same time one gets Unknown. The errors are
// tokens.Malformed, Unknown (also for one that was spent before), Expired, Ended (its session is over, or has another
// fingerprint now), and tokens.ErrUnavailable, after which the ticket may be spent. It is taken
// from Redis when all else was found good, so that it is not lost if Redis goes away in between.
func (b *Book) Spend(ctx context.Context, ticket string) (Ticket, error) {
	t, err := b.Look(ctx, ticket)
	if err != nil {
		return t, err
	}
	decoded, _ := base64.RawURLEncoding.DecodeString(ticket) // as Look did
	raw := [size]byte(decoded)
	switch err := b.cfg.Redis.GetDel(ctx, b.key(raw)).Err(); {
	case errors.Is(err, redis.Nil):
		return Ticket{}, tokens.Unknown
	case err != nil:
		return Ticket{}, unavailable("spending a ticket", err)
	}
	b.cfg.Redis.ZRem(ctx, b.openKey(t.Session), name(raw)) // best effort: else it counts until it would have expired
	return t, nil
}

// checkSession asks Redis, and not the view of revocations in this process, which may be a moment behind.
func (b *Book) checkSession(ctx context.Context, t Ticket) error {
	s, state, err := b.authority.SessionState(ctx, t.Session)
	switch {
	case err != nil:
		return err
	case state != tokens.StateLive, s.UserID != t.UserID, s.Fingerprint != t.Fingerprint:
		return tokens.Ended
	}
	return nil
}

func (b *Book) key(raw [size]byte) string { return b.cfg.KeyPrefix + "ticket:" + name(raw) }

func (b *Book) openKey(session string) string { return b.cfg.KeyPrefix + "tickets:" + session }

// name is what Redis knows of a ticket.
func name(raw [size]byte) string {
	sum := sha256.Sum256(raw[:])
	return hex.EncodeToString(sum[:])
}

func unavailable(doing string, cause error) error {
	return fmt.Errorf("%s: %w: %w", doing, tokens.ErrUnavailable, cause)
}
