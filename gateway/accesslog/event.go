package accesslog

// Event is a security event: the label of a metric and the member "event" of a log line. The words are stable;
// deploy/docs/logs.md explains each.
type Event string

// The events.
const (
	LoginRefused     Event = "login_refused"              // a wrong password or second factor
	LockedOut        Event = "account_locked_out"         // too many of them for one account
	Undecided        Event = "password_not_checked"       // WordPress checks no password: the request came by plain http, or the secret differs
	Limited          Event = "rate_limited"               // answered 429, also for a locked account
	TokenReused      Event = "refresh_token_reused"       // a spent refresh token came again; the session was ended
	NotStored        Event = "refresh_not_stored"         // a client presents refresh tokens that it has spent itself
	TokenForged      Event = "token_forged"               // an access token that none of our keys signed
	OtherBearer      Event = "other_bearer"               // an access token of another JWT plugin (compat.other_bearers)
	Stale            Event = "revocations_stale"          // tokens are refused because the revocations are old (revocation.on_stale: deny)
	IdentityForged   Event = "identity_forged"            // a client sent a header that only the gateway sends
	Ambiguous        Event = "ambiguous_request"          // a request that two readers would read in two ways
	ForeignCart      Event = "foreign_cart_key"           // the key of another customer's cart
	MixedBatch       Event = "mixed_batch"                // routes of CoCart and others in one batch
	UnknownHost      Event = "unknown_host"               // a host that site.hosts does not list
	CrossSite        Event = "cross_site_request"         // a page of another site had a request with the session cookie sent
	NoPlugin         Event = "plugin_did_not_sign"        // the must-use plugin is missing, or has another secret
	BadReply         Event = "plugin_reply_not_good"      // a reply of the plugin with a wrong signature, or for another request
	SessionsEnded    Event = "account_sessions_ended"     // a password or e-mail address changed, or the user was deleted
	SessionEnded     Event = "sessions_ended"             // a customer ended sessions of their own, or staff those of a customer
	SessionsNotEnded Event = "account_sessions_not_ended" // the same, but Redis failed
	SessionBegun     Event = "session_begun"              // a plugin of the shop began a session for a customer, or a changed account kept its own
	SessionNotBegun  Event = "session_not_begun"          // the same, but the client gets no tokens
	NotHandedBack    Event = "not_handed_back"            // the old plugin issued no valid tokens (compat.hand_back)
	Cached           Event = "cached_answer"              // a cache between the gateway and PHP answered
	PreflightRefused Event = "preflight_refused"          // a page of another origin may not send this request
	UnlistedPath     Event = "unlisted_path"              // CoCart below a path prefix that site.paths does not list
	AddressLimit     Event = "address_limit_reached"      // the limit of an address or of its network is used up
	WrongAppServer   Event = "app_server_refused"         // a wrong key of an app server
)

// Events lists all events, in the order of deploy/docs/logs.md.
var Events = []Event{
	LoginRefused, LockedOut, Undecided, Limited, TokenReused, NotStored, TokenForged, OtherBearer, Stale, IdentityForged,
	Ambiguous, ForeignCart, MixedBatch, UnknownHost, CrossSite, NoPlugin, BadReply, SessionsEnded, SessionsNotEnded, SessionBegun,
	SessionNotBegun, SessionEnded, NotHandedBack,
	Cached, PreflightRefused, UnlistedPath, AddressLimit, WrongAppServer,
}
