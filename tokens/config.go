package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/keys"
)

// LostAnswer is the policy for the parent of the current refresh token after the grace.
type LostAnswer string

// The policies for lost answers.
const (
	UntilUsed LostAnswer = "until_used" // valid as long as its successor was never used (default)
	Always    LostAnswer = "always"     // always valid, for clients that never store the successor
	Never     LostAnswer = "never"      // reuse, as any other spent token
)

// ReuseBySameClient is the policy for a refresh token that was spent longer than the grace ago, but less than the life
// of an access token, and comes from the network and User-Agent of the session's last refresh.
type ReuseBySameClient string

// The policies for tabs in the background.
const (
	ConvergeReuse ReuseBySameClient = "converge" // the current pair (default)
	RefuseReuse   ReuseBySameClient = "refuse"   // Superseded; the session goes on
	EndReuse      ReuseBySameClient = "end"      // reuse, as from any other client
)

// reuseWindow returns the longest time from the retirement of a generation until a tab that held it refreshes, if the tab
// sends a request at least once in an access lifetime: its access token was revoked with the grace, and its next request
// shows that.
func (c Config) reuseWindow() time.Duration {
	if c.ReuseBySameClient == EndReuse {
		return 0
	}
	return c.AccessTTL + c.Leeway + c.RefreshGrace
}

// OnStale is the policy of Verify for a view of revocations that is older than Config.MaxStaleness.
type OnStale string

// The policies for a stale view.
const (
	Serve OnStale = "serve" // verify by what is known (default)
	Deny  OnStale = "deny"  // refuse every token as Stale
)

// Config is the configuration of an Authority. The zero value of a field means its default. A negative duration means
// none, where that is possible.
type Config struct {
	Issuer   string // iss, compared exactly
	Audience string // aud; "" = neither set nor checked

	// Keys is the key table. The first one that can sign and is not retired signs, all verify. To bring in a new key,
	// first add it last on every gateway, then move it to the front, so that no gateway sees a token of a key that it
	// does not know.
	Keys []keys.Key
	// RefreshSecrets make and verify refresh tokens: the first makes, all verify, each at least 32 bytes. If it is
	// empty, one secret is derived from each key's private material, also from retired keys: a retired key must then
	// stay listed for one RefreshTTL, or the sessions that hold its refresh tokens are lost.
	RefreshSecrets [][]byte

	AccessTTL    time.Duration // life of an access token; default 240h, at least 1s
	RefreshTTL   time.Duration // idle limit of a session; default 720h, at least 1s
	SessionTTL   time.Duration // absolute limit of a session, which no access token outlives; 0 = none
	RefreshGrace time.Duration // how long a spent refresh token still gets the current pair; default 30s, negative = none
	Leeway       time.Duration // clock skew allowed for exp, nbf, iat; default 30s, negative = none
	LostAnswer   LostAnswer    // default UntilUsed
	MaxSessions  int           // sessions per user; default 5, -1 = unlimited

	ReuseBySameClient ReuseBySameClient // default ConvergeReuse

	KeyPrefix string // of every Redis key; default "cocart:"

	// Reader opens the client by which Run reads the revocations; nil: one like that of New. A client that Sentinels tell of a
	// new master needs it: one like it would not hear of that, and read from the old one. The client is closed by Run.
	Reader func() redis.UniversalClient

	WaitReplicas int           // replicas that must have a login or logout before it is answered; 0 = none. Ignored on a cluster
	WaitLimit    time.Duration // what all commands of a request may take; default 1s

	// Successor finds the server that took over from the master in a failover and gives a client of it, which is closed after use;
	// nil without one. It is asked when too few replicas acknowledged a write. A nil Successor finds none.
	Successor func(context.Context) (redis.UniversalClient, error)

	Plugin PluginTokens // accepts access tokens of the PHP plugin; nil: they are refused

	MaxStaleness  time.Duration // oldest view of revocations before OnStale applies; 0 = no limit, else at least 1s
	OnStale       OnStale       // default Serve
	OnLoss        OnLoss        // default ServeLoss
	VerifiedCache int           // verified tokens remembered; 0 = none; 10000 is a good number (about 1 KiB each)

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: discarded
}

const minRefreshSecret = 32

// WithDefaults returns the configuration with every default filled in.
func (c Config) WithDefaults() Config {
	c.AccessTTL = durationOr(c.AccessTTL, 240*time.Hour)
	c.RefreshTTL = durationOr(c.RefreshTTL, 720*time.Hour)
	c.RefreshGrace = max(0, durationOr(c.RefreshGrace, 30*time.Second))
	c.Leeway = max(0, durationOr(c.Leeway, 30*time.Second))
	c.LostAnswer = wordOr(c.LostAnswer, UntilUsed)
	c.OnStale = wordOr(c.OnStale, Serve)
	c.WaitLimit = durationOr(c.WaitLimit, time.Second)
	c.OnLoss = wordOr(c.OnLoss, ServeLoss)
	c.ReuseBySameClient = wordOr(c.ReuseBySameClient, ConvergeReuse)
	c.KeyPrefix = wordOr(c.KeyPrefix, "cocart:")
	if c.MaxSessions == 0 {
		c.MaxSessions = 5
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func durationOr(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

func wordOr[S ~string](s, fallback S) S {
	if s == "" {
		return fallback
	}
	return s
}

// problems returns every problem at once.
func (c Config) problems() error {
	return errors.Join(
		wrong(c.Issuer == "", "issuer: must not be empty"),
		wrong(c.AccessTTL < time.Second, "access lifetime: must be at least 1s, is %s", c.AccessTTL),
		wrong(c.RefreshTTL < time.Second, "refresh lifetime: must be at least 1s, is %s", c.RefreshTTL),
		wrong(c.SessionTTL < 0, "session lifetime: must not be negative, is %s", c.SessionTTL),
		wrong(c.SessionTTL > 0 && c.SessionTTL < time.Second, "session lifetime: must be 0 (none) or at least 1s, is %s", c.SessionTTL),
		wrong(c.MaxSessions < -1, "sessions per user: must be at least 1, or -1 for unlimited, is %d", c.MaxSessions),
		wrong(c.WaitReplicas < 0, "replicas to wait for: must not be negative, is %d", c.WaitReplicas),
		wrong(c.VerifiedCache < 0, "verified token cache: must not be negative, is %d", c.VerifiedCache),
		wrong(c.MaxStaleness != 0 && c.MaxStaleness < time.Second, "revocation staleness: must be 0 (no limit) or at least 1s, is %s", c.MaxStaleness),
		oneOf("lost answer", c.LostAnswer, UntilUsed, Always, Never),
		oneOf("reuse by the same client", c.ReuseBySameClient, ConvergeReuse, RefuseReuse, EndReuse),
		oneOf("stale revocations", c.OnStale, Serve, Deny),
		oneOf("lost data", c.OnLoss, ServeLoss, RefreshLoss, DenyLoss),
		c.keyProblems(),
	)
}

func (c Config) keyProblems() error {
	var found []error
	seen := map[string]bool{}
	for i, k := range c.Keys {
		found = append(found, wrong(k.ID() == "", "key %d: made without keys.NewHMAC or keys.Parse", i+1),
			wrong(seen[k.ID()], "key %q: its id is used twice", k.ID()))
		seen[k.ID()] = true
	}
	for i, s := range c.RefreshSecrets {
		found = append(found, wrong(len(s) < minRefreshSecret, "refresh secret %d: must be at least %d bytes, is %d", i+1, minRefreshSecret, len(s)))
	}
	return errors.Join(found...)
}

func wrong(is bool, format string, args ...any) error {
	if !is {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func oneOf[S ~string](what string, got S, allowed ...S) error {
	for _, a := range allowed {
		if got == a {
			return nil
		}
	}
	return fmt.Errorf("%s: must be one of %v, is %q", what, allowed, string(got))
}
