package gateway

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/tokens/attempts"
)

// Config describes the site and its clients.
type Config struct {
	// SiteURL is the public address of the shop; its path is where WordPress's
	// REST API begins.
	SiteURL *url.URL
	// RestPrefix is WordPress's REST prefix; empty means "wp-json".
	RestPrefix string
	// Paths are path prefixes below that of SiteURL which have the REST API, too:
	// language folders and mapped folders, such as "/en".
	Paths []string
	// Namespaces are the first segments of CoCart's routes; empty means "cocart".
	Namespaces []string
	// Protect lists REST namespaces and paths outside of CoCart's on which a bearer counts, and the session cookie beside the
	// header CoCart-Session: cookie.
	Protect []string
	// DenyGuests refuses CoCart requests that carry neither a token nor a
	// password.
	DenyGuests bool
	// AssumeHTTPS takes requests for encrypted where nothing says which scheme the
	// client used: TLS ends at a load balancer that passes TCP on.
	AssumeHTTPS bool
	// SchemeHeaders are the headers of trusted proxies that say the client's scheme,
	// in order of precedence; empty means [forwarded.SchemeHeaders].
	SchemeHeaders []string
	// TrustedProxies may say who the client is.
	TrustedProxies []netip.Prefix
	// AppServers may state the client's address beside their key.
	AppServers []appserver.Server
	// InvalidTokenStatus answers a token that is not good: 401, or 403 as the PHP
	// plugin does. Zero means 401.
	InvalidTokenStatus int
	// BearerLoginRefresh adds the session's refresh token to the answer of a login
	// that presents a valid access token and no password. Else such an answer holds
	// the access token alone.
	BearerLoginRefresh bool
	// PassOtherBearers lets WordPress verify the access tokens of other JWT plugins.
	// Else they are refused.
	PassOtherBearers bool
	// MaxLoginBody is the largest body, in bytes, that is read on login and
	// refresh, and looked at for credentials elsewhere. Zero means 64 KiB.
	MaxLoginBody int64
	// Passwords protects passwords.
	Passwords PasswordConfig
	// CORS is for browsers; its zero value lets every origin read, without cookies.
	CORS crossorigin.Config
	// Cookies is cookie mode, for browser apps.
	Cookies CookieConfig
	// Bounds of requests on CoCart's routes.
	Bounds bounds.Config
	// KeepCartKeyNames sends the headers that name a cart in the one spelling that
	// CoCart chose; else they go out in both.
	KeepCartKeyNames bool
	// Now is the clock of warnings; nil means time.Now.
	Now func() time.Time
	// OwnAddresses are those from which the shop sends requests to itself, besides
	// the addresses at which its nodes are reached.
	OwnAddresses []netip.Prefix
	// DryRun enforces nothing: see dryrun.go.
	DryRun bool
	// Migration is what of the move from or to the old JWT plugin is on.
	Migration migration.Config
	// AuthHeaders are the names under which clients send what belongs into
	// Authorization; empty means Authorization alone. What comes under the others
	// is not forwarded under them.
	AuthHeaders []string
	// OriginAuthorization is what the web server of WordPress gets as Authorization;
	// empty: the client's own. A client that sends the same names no customer by it.
	OriginAuthorization string
	// Hosts are the names that clients may ask for besides that of SiteURL, in lower
	// case; *.example.com is any below example.com. Empty means any name at all.
	Hosts []string
	// OtherHosts are the names of other shops, in the same form; one that is more exact than that of Hosts is refused.
	OtherHosts []string
}

const defaultLoginBody = 64 << 10

// PasswordConfig says how passwords are protected from guessing.
type PasswordConfig struct {
	// Attempts counts; nil means that nothing is counted or limited.
	Attempts *attempts.Guard
	// UniformErrors gives a wrong password and an unknown user the same text after the
	// same time.
	UniformErrors bool
	// SiteLogin counts the passwords that are checked outside of CoCart's routes, at
	// wp-login.php, xmlrpc.php and by the shop's pages, on the same counters.
	SiteLogin bool
	// Now is the clock of that wait; nil means time.Now.
	Now func() time.Time
	// Wait sleeps, or returns early with the context's error; nil means a real timer.
	Wait func(context.Context, time.Duration) error
}

// CookieConfig lets browser apps have their tokens as a cookie. The pages that may use
// it are those of the shop, and those of the origins to which CORS gives credentials.
type CookieConfig struct {
	Enabled bool
	browser.CookieConfig
}

// identifying returns the headers on which every answer on our routes depends. Without Cookie
// a cache would give a guest's products to a customer in cookie mode.
func (c Config) identifying() []string {
	names := append([]string{"Authorization", "Origin"}, c.AuthHeaders...)
	if c.Cookies.Enabled {
		names = append(names, "Cookie")
	}
	return names
}
