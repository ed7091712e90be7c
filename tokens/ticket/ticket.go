// Package ticket keeps one-time tickets by which a browser goes on as the customer of a session.
//
// A ticket is 32 random bytes. Redis has only its hash as a key, and what it stands for encrypted with the refresh secret and
// the ticket itself: neither a reader nor a writer of Redis can make or spend one.
package ticket

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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

const size = 32 // bytes

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
// and tokens.ErrUnavailable when Redis is away.
func (b *Book) Issue(ctx context.Context, access *tokens.Access, to string) (string, error) {
	if access.Session == "" {
		return "", tokens.Unknown
	}
	var raw [size]byte
	rand.Read(raw[:])
	ticket := base64.RawURLEncoding.EncodeToString(raw[:])
	text, err := json.Marshal(Ticket{access.Session, access.UserID, access.Login, access.Fingerprint, to, b.cfg.Now().Add(Life)})
	if err != nil {
		return "", fmt.Errorf("encoding a ticket: %w", err)
	}
	if err := b.cfg.Redis.Set(ctx, b.key(raw), b.authority.Seal(text, ticket), Life).Err(); err != nil {
		return "", unavailable("writing a ticket", err)
	}
	return ticket, nil
}

// Look returns what a ticket stands for and does not spend it. The errors are those of Spend.
func (b *Book) Look(ctx context.Context, ticket string) (Ticket, error) {
	return b.take(ctx, ticket, b.cfg.Redis.Get)
}

// Spend returns what a ticket stands for, once: of two that spend it at the same time one gets Unknown. The errors are
// tokens.Malformed, Unknown (also for one that was spent before), Expired, Ended (its session is over, or has another
// fingerprint now), and tokens.ErrUnavailable, after which the ticket may be spent.
func (b *Book) Spend(ctx context.Context, ticket string) (Ticket, error) {
	return b.take(ctx, ticket, b.cfg.Redis.GetDel)
}

func (b *Book) take(ctx context.Context, ticket string, read func(context.Context, string) *redis.StringCmd) (Ticket, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(raw) != size {
		return Ticket{}, tokens.Malformed
	}
	sealed, err := read(ctx, b.key([size]byte(raw))).Result()
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

func (b *Book) key(raw [size]byte) string {
	sum := sha256.Sum256(raw[:])
	return b.cfg.KeyPrefix + "ticket:" + hex.EncodeToString(sum[:])
}

func unavailable(doing string, cause error) error {
	return fmt.Errorf("%s: %w: %w", doing, tokens.ErrUnavailable, cause)
}
