package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// Config is what a configuration file says, complete and checked: every default filled in, every secret read.
// It holds secrets, but only in fields of type [Secret], so printing or logging a Config shows none of them.
type Config struct {
	Listen         []string // the plain public listeners: host:port, unix:/path, systemd or systemd:name
	TLS            TLS
	Sockets        Sockets
	Admin          Admin
	Upstream       Upstream
	Site           Site
	Tokens         Tokens
	Revocation     Revocation
	Redis          Redis
	TrustedProxies []netip.Prefix // masked; IPv4-mapped addresses are plain IPv4
	Compat         Compat
	CORS           CORS
	Limits         Limits
	Server         Server
	Log            Log
	Attempts       Attempts // limits.login and below, and login
	Reload         string   // "watch", "signal" or "off"
}

// Admin is the listener for metrics, probes and administration.
type Admin struct {
	Listen string   // as in Config.Listen
	Hosts  []string // names of the listener, lower case, perhaps with *. in front; addresses and loopback names always are
	Token  Secret   // what an administrator shows; empty: there is no administration API
	OAuth  bool     // RFC 7009 and RFC 7662 are served there; never without a Token
}

// Site is what the shop is called from outside and which of its routes are CoCart's.
type Site struct {
	URL        *url.URL // issuer of tokens and WordPress's home; no trailing slash
	RESTPrefix string   // without slashes at its ends
	Paths      []string // prefixes below the path of URL with a REST API of their own; each begins with a slash
	Namespaces []string // first segments of CoCart's routes, at least one
	Guests     string   // "allow" or "deny"

	AuthHeaders []string // where clients put Authorization, at least one
	Hosts       []string // lower case, perhaps with *. in front; empty: any
}

// Tokens is how tokens are made and how long they are good.
type Tokens struct {
	Keys          []SigningKey // at least one; the first signs, all verify
	RefreshSecret []Secret     // newest first; empty: derived from Keys
	AccessTTL     time.Duration
	RefreshTTL    time.Duration // idle limit of a session, at least AccessTTL
	SessionTTL    time.Duration // absolute limit of a session; 0: none
	RefreshGrace  time.Duration
	LostAnswer    string // "until_used", "always" or "never"
	ReuseByClient string // of the session's own client: "converge", "refuse" or "end"
	MaxSessions   int    // per user; -1: unlimited, never 0
	Leeway        time.Duration
	Audience      string // empty: no aud claim
	VerifiedCache int    // entries; 0: no cache
}

// SigningKey is one signing or verifying key. Exactly one of Secret, PrivateKey and PublicKey is set.
type SigningKey struct {
	ID         string
	Algorithm  string    // as in the JWT header: HS256 … EdDSA
	Secret     Secret    // HS*: used byte for byte
	PrivateKey Secret    // PEM
	PublicKey  string    // PEM; such a key only verifies and is never the first
	RetireAt   time.Time // UTC; zero: never
}

// Revocation is what to do when revocations cannot be followed.
type Revocation struct {
	MaxStaleness time.Duration // 0: no limit
	OnStale      string        // "serve" or "deny"; deny never without a limit
}

// Redis is where sessions and revocations live.
type Redis struct {
	Addresses        []string // "embedded" alone, or host:port; what a URL says beyond that is in the other fields
	Mode             string   // "standalone", "sentinel" or "cluster"
	Master           string   // the name the Sentinels know the master set by; set for them only
	Username         string
	Password         Secret
	SentinelUsername string
	SentinelPassword Secret
	DB               int // 0 for a cluster
	Prefix           string
	TLS              bool
	TLSCA            string        // PEM; empty: the authorities that the machine trusts
	TLSCert          string        // PEM, with TLSKey or not at all
	TLSKey           Secret        // PEM
	TLSServerName    string        // empty: the host of each server
	Timeout          time.Duration // of one command: dial, read and write each
	PoolSize         int           // of each server; 0: the library's default
}

// Embedded reports whether sessions live inside the gateway, in a store that forgets at exit.
func (c Redis) Embedded() bool { return c.Addresses[0] == EmbeddedStore }

// The values of compat.other_bearers.
const (
	RefuseOtherBearers = "refuse"
	PassOtherBearers   = "pass"
)

// Compat eases switching over from the CoCart JWT plugin.
type Compat struct {
	InvalidTokenStatus int // 401 or 403
	MirrorCartKey      bool
	BearerLoginRefresh bool   // a login by access token alone answers with a refresh token, too
	OtherBearers       string // what becomes of the access tokens of other JWT plugins: refuse or pass
	Migration          Migration
}

// Server is the patience of the public listener.
type Server struct {
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // of waiting for the body of a CoCart request
	IdleTimeout       time.Duration
	ShutdownTimeout   time.Duration
	AssumeHTTPS       bool     // where nothing says which scheme the client used
	SchemeHeaders     []string // of trusted proxies, in order of precedence; at least one
}

// Log is what is logged and in which form.
type Log struct {
	Level  slog.Level
	Format string // "text" or "json"
}

// EmbeddedStore is the redis.address that asks for the store inside the gateway, which forgets at exit.
const EmbeddedStore = "embedded"
