// Package config reads and checks the configuration file.
//
//	config.go             the types of a checked configuration
//	shops.go              several shops on one gateway; distinct.go: what no two of them may have in common
//	keys.go               the table of all keys: place, default, rule and message; blocks have files of their own
//	load.go               file → Config, with every problem of the file at once
//	rules.go              rules between keys, and warnings
//	source.go, merge.go   the files of a running gateway, and what a reload changes
//
// Package schema has what does not depend on the keys: how values of each kind are read, written and reported.
//
// The two are the only readers of YAML and import no other package of the gateway: package main turns a [Config] into
// the configurations of the other packages.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Config is a checked configuration with every default filled in and every secret read. It has secrets only in fields
// of type [Secret], so printing or logging a Config does not show them.
//
// With several shops on one gateway, Shops has a complete Config for each, and c itself has only what they share: the fields
// of one shop, such as Site, are empty.
type Config struct {
	Name       string    // of this shop, if it is one of several
	OtherHosts []string  // Hosts of the other ones then
	Shops      []*Config // at least one, if there are several; nil: c is the only shop

	Listen         []string // the plain public listeners: host:port, unix:/path, systemd or systemd:name
	TLS            TLS
	Sockets        Sockets
	Admin          Admin
	Metrics        Metrics
	Upstream       Upstream
	Site           Site
	Tokens         Tokens
	Revocation     Revocation
	Redis          Redis
	TrustedProxies []netip.Prefix // masked; IPv4-mapped addresses are plain IPv4
	AppServers     []AppServer
	Compat         Compat
	CORS           CORS
	Cookies        Cookies
	Limits         Limits
	Server         Server
	Log            Log
	Tracing        Tracing
	Attempts       Attempts // limits.login and below, and login
	Reload         string   // "watch", "signal" or "off"
}

// Admin is the listener for metrics, probes and administration.
type Admin struct {
	Listen string        // as in Config.Listen
	Hosts  []string      // names of the listener, lower case, perhaps with *. in front, besides addresses and loopback names
	Token  schema.Secret // the bearer token of administrators; empty: no administration API
	OAuth  bool          // serves RFC 7009 and RFC 7662 there; requires Token
}

// Site is the address of the shop and which of its routes belong to CoCart.
type Site struct {
	URL        *url.URL // issuer of tokens and WordPress's home; no trailing slash
	RESTPrefix string   // without slashes at its ends
	Paths      []string // prefixes below the path of URL with a REST API of their own; each begins with a slash
	Protect    []string // REST namespaces and paths outside of CoCart's on which a bearer counts
	Namespaces []string // first segments of CoCart's routes, at least one
	Guests     string   // "allow" or "deny"

	AuthHeaders []string // where clients put Authorization, at least one
	Hosts       []string // lower case, perhaps with *. in front; empty: any
}

// Tokens is how tokens are made and how long they are valid.
type Tokens struct {
	Keys          []SigningKey    // at least one; the first signs, all verify
	RefreshSecret []schema.Secret // newest first; empty: derived from Keys
	AccessTTL     time.Duration
	RefreshTTL    time.Duration // idle limit of a session, at least AccessTTL
	SessionTTL    time.Duration // absolute limit of a session; 0: no limit
	RefreshGrace  time.Duration
	LostAnswer    string // "until_used", "always" or "never"
	ReuseByClient string // of the session's own client: "converge", "refuse" or "end"
	MaxSessions   int    // per user; -1: no limit; never 0
	Leeway        time.Duration
	Audience      string // empty: no aud claim
	VerifiedCache int    // entries; 0: no cache
}

// SigningKey is one signing or verifying key. Exactly one of Secret, PrivateKey and PublicKey is set.
type SigningKey struct {
	ID         string
	Algorithm  string        // as in the JWT header: HS256 … EdDSA
	Secret     schema.Secret // HS*: used byte for byte
	PrivateKey schema.Secret // PEM
	PublicKey  string        // PEM; such a key only verifies and is never the first
	RetireAt   time.Time     // UTC; zero: never
}

// Revocation is what the gateway does while it cannot read revocations, and after Redis lost data.
type Revocation struct {
	MaxStaleness time.Duration // 0: no limit
	OnStale      string        // "serve" or "deny"; deny requires MaxStaleness
	OnLoss       string        // "serve", "refresh_only" or "deny"
}

// Redis is where sessions and revocations are stored.
type Redis struct {
	Addresses        []string // "embedded" alone, or host:port; other parts of a URL are in the other fields
	Mode             string   // "standalone", "sentinel" or "cluster"
	Master           string   // the name of the master set, for mode sentinel only
	Username         string
	Password         schema.Secret
	SentinelUsername string
	SentinelPassword schema.Secret
	DB               int // 0 for a cluster
	Prefix           string
	TLS              bool
	TLSCA            string        // PEM; empty: the authorities of the operating system
	TLSCert          string        // PEM; requires TLSKey
	TLSKey           schema.Secret // PEM
	TLSServerName    string        // empty: the host of each server
	WaitReplicas     int           // that must have a login or logout before it is answered; 0: none. Not for a cluster
	Timeout          time.Duration // of one command: dial, read and write each
	PoolSize         int           // of each server; 0: the library's default
}

// Embedded reports whether sessions are stored in the gateway itself, where they end with the process.
func (c Redis) Embedded() bool { return c.Addresses[0] == EmbeddedStore }

// Values of compat.other_bearers.
const (
	RefuseOtherBearers = "refuse"
	PassOtherBearers   = "pass"
)

// Compat is for compatibility with CoCart JWT Authentication and its clients.
type Compat struct {
	InvalidTokenStatus int // 401 or 403
	MirrorCartKey      bool
	BearerLoginRefresh bool   // a login by access token alone also returns a refresh token
	OtherBearers       string // access tokens of other JWT plugins: "refuse" or "pass"
	Migration          Migration
}

// AppServer is a server of the shop's own that may state the client's address.
type AppServer struct {
	Name   string
	Secret []schema.Secret // newest first; each is accepted
}

// Server is the timeouts of the public listener and the scheme of its requests.
type Server struct {
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // for the body of a CoCart request
	IdleTimeout       time.Duration
	ShutdownTimeout   time.Duration
	AssumeHTTPS       bool     // if the scheme of the client is unknown
	SchemeHeaders     []string // of trusted proxies, in order of precedence; at least one
}

// Log is the level and format of the log.
type Log struct {
	Level  slog.Level
	Format string // "text" or "json"
}

// EmbeddedStore is the value of redis.address for a store inside the gateway, which is empty after a restart.
const EmbeddedStore = "embedded"
