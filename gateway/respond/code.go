package respond

import (
	"net/http"
	"slices"

	"cocart-gateway/gateway/accesslog"
)

// Code names a refusal for clients. Codes are stable.
type Code string

// The codes of the public listener. Those without "gateway" are the ones that CoCart, its JWT plugin or WordPress use, so
// that clients which show or match them keep working.
const (
	Authentication      Code = "cocart_authentication_error"
	NotAuthorized       Code = "cocart_rest_not_authorized"
	Forbidden           Code = "rest_forbidden"
	MissingRefreshToken Code = "cocart_jwt_auth_missing_refresh_token" //nolint:gosec // not a credential
	InvalidParameter    Code = "rest_invalid_param"
	InvalidJSON         Code = "rest_invalid_json"
	// RateLimited is the code of CoCart Plus's own limiter, which answers it with 400; the SDKs retry at 429 only. It must
	// not contain "authenticat": they would refresh their tokens at that.
	RateLimited       Code = "rate_limit_exceeded"
	MustAuthenticate  Code = "cocart_must_authenticate_user"
	NotYourCart       Code = "cocart_gateway_not_your_cart"
	BadCredentials    Code = "cocart_gateway_bad_credentials" //nolint:gosec // not a credential
	AmbiguousRequest  Code = "cocart_gateway_ambiguous_request"
	BadRequest        Code = "cocart_gateway_bad_request"
	BadBody           Code = "cocart_gateway_bad_body"
	BadContentType    Code = "cocart_gateway_bad_content_type"
	EncodedBody       Code = "cocart_gateway_encoded_body"
	BodyTooLarge      Code = "cocart_gateway_body_too_large"
	BodyTimeout       Code = "cocart_gateway_body_timeout"
	TooManyParameters Code = "cocart_gateway_too_many_parameters"
	MethodNotAllowed  Code = "cocart_gateway_method_not_allowed"
	MixedBatch        Code = "cocart_gateway_mixed_batch"
	NotInBatch        Code = "cocart_gateway_not_in_batch"
	UnknownHost       Code = "cocart_gateway_unknown_host"
	AppServer         Code = "cocart_gateway_app_server"
	CrossSite         Code = "cocart_gateway_cross_site"
	BrowserLink       Code = "cocart_gateway_browser_link"
	NotNavigation     Code = "cocart_gateway_not_navigation"
	OtherLogin        Code = "cocart_gateway_other_login"
	NotYourSession    Code = "cocart_gateway_not_your_session"
	BadCapability     Code = "cocart_gateway_bad_capability"
)

// The codes of failures that are not the client's doing.
const (
	StoreUnavailable    Code = "cocart_gateway_store_unavailable"
	NotHandedBack       Code = "cocart_gateway_not_handed_back"
	Busy                Code = "cocart_gateway_busy"
	UpstreamTimeout     Code = "cocart_gateway_upstream_timeout"
	UpstreamUnavailable Code = "cocart_gateway_upstream_unavailable"
	UpstreamUnusable    Code = "cocart_gateway_upstream_unusable"
	Internal            Code = "cocart_gateway_error"
)

// The codes of the admin listener.
const (
	AdminToken           Code = "cocart_gateway_admin_token"
	AdminLimited         Code = "cocart_gateway_admin_limited"
	NoSuchSession        Code = "cocart_gateway_no_such_session"
	NoSuchUser           Code = "cocart_gateway_no_such_user"
	AmbiguousUser        Code = "cocart_gateway_ambiguous_user"
	FingerprintNeeded    Code = "cocart_gateway_fingerprint_needed"
	ConfigurationRefused Code = "cocart_gateway_configuration_refused"
)

// The codes of the must-use plugin, which the gateway passes on.
const (
	BadAssertion Code = "cocart_gateway_bad_assertion"
	Required     Code = "cocart_gateway_required"
	NotAllowed   Code = "cocart_gateway_not_allowed"
	InvalidNonce Code = "rest_cookie_invalid_nonce"

	DatabaseUnavailable Code = "cocart_gateway_database_unavailable"
)

// Challenge is the WWW-Authenticate header of a 401 without a token (RFC 9110 section 11.6.1).
const Challenge = `Bearer realm="CoCart"`

// Event returns the security event that a refusal with this code is, "" for none.
func (c Code) Event() accesslog.Event { return codes[c].event }

// DryRun returns the word of the dry run for a request that would be refused with this code.
func (c Code) DryRun() string {
	if word := codes[c].dryRun; word != "" {
		return word
	}
	return dryRunOther
}

// dryRunOther is the word for a code without one of its own.
const dryRunOther = "other"

// DryRunWords returns the words of the dry run, except for the one for the codes that have none.
func DryRunWords() []string {
	var words []string
	for _, d := range codes {
		if d.dryRun != "" && !slices.Contains(words, d.dryRun) {
			words = append(words, d.dryRun)
		}
	}
	return words
}

// Fail returns the refusal with a code, as the table states it.
func Fail(c Code) *Failure {
	d := codes[c]
	return &Failure{Code: c, Status: d.status, Message: d.message, RetryAfter: d.retryAfter, Challenge: d.challenge}
}

// Because adds the cause, which only the log contains.
func (f *Failure) Because(cause error) *Failure {
	f.Cause = cause
	return f
}

// WithMessage replaces the sentence for the client.
func (f *Failure) WithMessage(message string) *Failure {
	f.Message = message
	return f
}

// definition states everything about a code.
type definition struct {
	status     int
	message    string
	retryAfter int // in seconds
	challenge  string
	event      accesslog.Event
	dryRun     string // word of the dry run; "" stands for "other"

	// What deploy/docs/errors.md says: when the code is answered, what a client and what an operator does about it, and
	// further events that its cause may be.
	when, client, operator string
	events                 []accesslog.Event
}

const tryAgain = "Signing in and out is not possible at the moment. Please try again shortly."

var codes = map[Code]definition{
	Authentication: {status: http.StatusUnauthorized, message: "Authentication failed.", challenge: Challenge, dryRun: "token",
		when:     "The access token, the refresh token or the password is wrong, expired or revoked. The status is 403 where `compat.invalid_token_status` says so.",
		client:   "Refresh the token once. If that is refused too, show the login.",
		operator: "Nothing for single requests. For many at once look at `cause` in the log, and at [the runbook](runbook.md).",
		events:   []accesslog.Event{accesslog.LoginRefused, accesslog.TokenReused, accesslog.TokenForged, accesslog.OtherBearer, accesslog.NoPlugin}},
	NotAuthorized: {status: http.StatusUnauthorized, message: "Sorry, you are not authorized.", challenge: Challenge, dryRun: "guest",
		when:     "The request has neither a token nor a password, and `site.guests` is `deny`.",
		client:   "Log in and send the access token.",
		operator: "Set `site.guests: allow` if guests may use the API."},
	Forbidden: {status: http.StatusUnauthorized, message: "Sorry, you are not allowed to do that.", challenge: Challenge,
		when:     "A route about one's own token or sessions was asked without a token.",
		client:   "Send the access token in `Authorization: Bearer`.",
		operator: "If clients do send it, a proxy removes `Authorization`."},
	MissingRefreshToken: {status: http.StatusBadRequest, message: "Refresh token is required.", dryRun: "request",
		when:     "A refresh without the parameter `refresh_token`.",
		client:   "Send `refresh_token` in the body.",
		operator: "Nothing."},
	InvalidParameter: {status: http.StatusBadRequest, dryRun: "request",
		when:     "`refresh_token` is not a string.",
		client:   "Send it as a string.",
		operator: "Nothing."},
	InvalidJSON: {status: http.StatusBadRequest, message: "Invalid JSON body passed.", dryRun: "request",
		when:     "The Content-Type is JSON, and the body is not.",
		client:   "Send valid JSON, or the Content-Type of the body.",
		operator: "Nothing."},
	RateLimited: {status: http.StatusTooManyRequests, event: accesslog.Limited, dryRun: "limit",
		when:     "Too many attempts for one account, from one address or from its network; or too many requests of an address or a session; or five links of `jwt/browser` of one session are open. Where a plugin of the shop identified the customer of a locked account, `data.answer` is what its route answered. `Retry-After` and the `RateLimit` headers say how long to wait.",
		client:   "Wait as long as `Retry-After` says.",
		operator: "Read [limits](configure/password-limits.md) and [limits on requests](configure/request-limits.md#per-client). `cocart-gateway lockouts` lists and lifts lockouts.",
		events:   []accesslog.Event{accesslog.AddressLimit, accesslog.LockedOut}},
	MustAuthenticate: {status: http.StatusForbidden, message: notYourCart, event: accesslog.ForeignCart, dryRun: "cart_key",
		when:     "A guest sent a cart key that is the number of a customer.",
		client:   "Forget the stored cart key after a logout, and let CoCart make a new one.",
		operator: "Nothing for single requests. Many from one address are an attempt to read other carts."},
	NotYourCart: {status: http.StatusForbidden, message: notYourCart, event: accesslog.ForeignCart, dryRun: "cart_key",
		when:     "A customer, by token or by password, sent the cart key of another customer; or a request with a password has a customer's number in a JSON body, a batch or an unusual spelling.",
		client:   "Leave the cart key out when logged in.",
		operator: "As for `cocart_must_authenticate_user`."},
	BadCredentials: {status: http.StatusBadRequest,
		when:     "The user name is empty or longer than any that WordPress stores.",
		client:   "Send a user name, an e-mail address or a phone number.",
		operator: "Nothing."},
	AmbiguousRequest: {status: http.StatusBadRequest, event: accesslog.Ambiguous, dryRun: "ambiguous",
		when:     "Two readers would read the request differently, for example because a header occurs twice. The message says which part.",
		client:   "Correct the part that the message names.",
		operator: "Nothing, unless a proxy of yours adds the header."},
	BadRequest: {status: http.StatusBadRequest, dryRun: "request",
		when:     "The request target, the method, the Host header or a parameter is invalid. The message says which. The admin listener uses it as well.",
		client:   "Correct what the message names.",
		operator: "Nothing."},
	BadBody: {status: http.StatusBadRequest, message: "The request body could not be read.", dryRun: "request",
		when:     "The body is incomplete, or a form that PHP and other readers would read differently.",
		client:   "Send the body again, with the standard form encoding.",
		operator: "Nothing."},
	BadContentType: {status: http.StatusUnsupportedMediaType, message: "The Content-Type header is not a media type.",
		when:     "The Content-Type header is malformed.",
		client:   "Send `application/json` or the type of the form.",
		operator: "Nothing."},
	EncodedBody: {status: http.StatusUnsupportedMediaType, message: "The request body must not be compressed or encoded.", dryRun: "body",
		when:     "The request has a Content-Encoding.",
		client:   "Send the body without compression.",
		operator: "Nothing."},
	BodyTooLarge: {status: http.StatusRequestEntityTooLarge, dryRun: "body",
		when:     "The body is larger than the limit that the message names.",
		client:   "Send less.",
		operator: "Raise the key that the message names if the request is legitimate."},
	BodyTimeout: {status: http.StatusRequestTimeout, message: "The request body did not arrive in time.",
		when:     "The body stopped arriving, or arrived too slowly.",
		client:   "Send the request again.",
		operator: "For clients with slow lines raise `server.read_timeout` (routes of CoCart) or `upstream.body_timeout` (other routes), or lower `limits.upload_rate`."},
	TooManyParameters: {status: http.StatusBadRequest, dryRun: "parameters",
		when:     "The query or form has more parameters than PHP reads (`max_input_vars`).",
		client:   "Send fewer parameters.",
		operator: "Raise `limits.parameters` together with PHP's `max_input_vars`."},
	MethodNotAllowed: {status: http.StatusMethodNotAllowed, message: "This method is not accepted here.", dryRun: "method",
		when:     "A method that the route does not have, or that no client of CoCart uses. `Allow` lists the others.",
		client:   "Use a method of `Allow`.",
		operator: "Nothing."},
	MixedBatch: {status: http.StatusBadRequest, message: "A batch may contain routes of CoCart or other routes, not both.", event: accesslog.MixedBatch, dryRun: "batch",
		when:     "A batch contains routes of CoCart and others.",
		client:   "Send two batches.",
		operator: "Nothing."},
	NotInBatch: {status: http.StatusBadRequest,
		when:     "A batch contains a route that is not possible in a batch, such as login.",
		client:   "Send that request by itself.",
		operator: "Nothing."},
	CrossSite: {status: http.StatusForbidden, message: "This page may not use the session cookie.", event: accesslog.CrossSite,
		when:     "Cookie mode: a page of another site had the request sent, or a GET acts by a method override.",
		client:   "Send the request from a page of the shop's own site, or of an origin that the shop lists. A server that passes the cookie on leaves out `Origin` and `Sec-Fetch-*`.",
		operator: "List the origin of your app in `cors.origins`, with `cors.credentials: true`. Otherwise it is an attack, or a link to an address of the API."},
	UnknownHost: {status: http.StatusMisdirectedRequest /* RFC 9110 section 15.5.20 */, message: "This host is not served here.", event: accesslog.UnknownHost, dryRun: "host",
		when:     "The Host header names none of `site.url` and `site.hosts`, or on the admin listener none of `admin.hosts`.",
		client:   "Use the address of the shop.",
		operator: "Add the name to `site.hosts` or `admin.hosts` if it is yours."},
	AppServer: {status: http.StatusUnauthorized, message: "The key of the app server is not valid.", challenge: `CoCart-App-Server realm="CoCart"`, event: accesslog.WrongAppServer,
		when:     "The header `CoCart-App-Server` has a name or a secret that `app_servers` does not list, or is there twice.",
		client:   "Only a server of the shop sends this header, so an app on a device never reads this. Do not refresh tokens.",
		operator: "Give the server the secret of its entry in `app_servers`. If no server of yours sent it, someone guesses: ten wrong keys of an address in a minute get 429."},
	BrowserLink: {status: http.StatusGone, message: "This link was used before, or is not valid any more. Go back to the app and try again.",
		when:     "The link of `jwt/browser` was followed before or a minute ago, its session is over, or no such link was made.",
		client:   "The browser shows this. Ask for a new link at each tap.",
		operator: "Nothing."},
	NotNavigation: {status: http.StatusForbidden, message: "This link has to be opened in a browser.",
		when:     "The link of `jwt/browser` was asked for by a frame, a script or a prefetch. It stays valid.",
		client:   "Open it as a page, in the browser or a browser tab of the app.",
		operator: "Nothing."},
	OtherLogin: {status: http.StatusConflict, message: "Another account is logged in to the shop in this browser. Log out there, then go back to the app and try again.",
		when:     "The link of `jwt/browser` was followed by a browser in which another user is logged in to WordPress.",
		client:   "The browser shows this. After the logout ask for a new link.",
		operator: "Nothing for single requests. Customers who did not ask for a link may have been lured by a link to another account."},
	NotYourSession: {status: http.StatusNotFound, message: "You have no session with this id.",
		when:     "A session is to be ended, and it is unknown, expired, or another user's. The answer does not say which.",
		client:   "Read the list of sessions again.",
		operator: "Nothing."},
	BadCapability: {status: http.StatusForbidden, message: "This page may not do that any more. Please reload it.",
		when:     "A page of WordPress (\"App sessions\" in My account, or the page of a user in wp-admin) asked for something that the must-use plugin did not allow it within the last minute.",
		client:   "Reload the page.",
		operator: "For all of these compare the clocks, and the secret in wp-config.php with `upstream.secret`; `cause` in the log says what is wrong."},

	StoreUnavailable: {status: http.StatusServiceUnavailable, message: tryAgain, retryAfter: 5,
		when:     "Redis does not answer. Login, refresh and logout fail. Valid access tokens keep working. With `revocation.on_stale: deny` they are refused with this code as well. Where a plugin of the shop was to begin a session, its route has done its work, and `data.answer` is what it answered.",
		client:   "Repeat the request after `Retry-After`. Keep the tokens. With `data.answer` do not repeat it: log in.",
		operator: "Make Redis available. `cocart-gateway doctor` shows why it is not.",
		events:   []accesslog.Event{accesslog.Stale}},
	NotHandedBack: {status: http.StatusServiceUnavailable, message: tryAgain, retryAfter: 5,
		when:     "`compat.hand_back` is on, and the old plugin could not be asked for tokens.",
		client:   "Repeat the request after `Retry-After`. Keep the tokens.",
		operator: "Check that WordPress answers and CoCart JWT Authentication is active."},
	Busy: {status: http.StatusServiceUnavailable, message: "The shop is very busy at the moment. Please try again shortly.", retryAfter: 5,
		when:     "All places at WordPress and in the queue are taken (`upstream.concurrency`).",
		client:   "Repeat the request after `Retry-After`.",
		operator: "Look at `cocart_gateway_upstream_in_flight` and the queue. Add PHP workers, or raise `upstream.concurrency.limit` if there are more."},
	UpstreamTimeout: {status: http.StatusGatewayTimeout, message: "The shop did not answer in time.",
		when:     "WordPress took longer than `upstream.response_timeout`.",
		client:   "Do not repeat what changes something before having looked whether it happened.",
		operator: "Find what is slow in PHP (slow log), or raise the timeout."},
	UpstreamUnavailable: {status: http.StatusBadGateway, message: "The shop cannot be reached at the moment.", retryAfter: 5,
		when:     "No WordPress server accepts a connection, or one closed it before an answer.",
		client:   "Repeat the request after `Retry-After`.",
		operator: "Check the web server and PHP at `upstream.url`; `cause` in the log says what failed."},
	UpstreamUnusable: {status: http.StatusBadGateway, message: "The shop gave an answer that cannot be used.",
		when:     "WordPress accepted a login or ended sessions, and the must-use plugin did not sign the answer correctly.",
		client:   "Show an error; repeating does not help.",
		operator: "Install the must-use plugin of this version, and compare the secret and the clocks. `cocart-gateway doctor` checks them.",
		events:   []accesslog.Event{accesslog.NoPlugin, accesslog.BadReply}},
	Internal: {status: http.StatusInternalServerError, message: "Something went wrong on our side.",
		when:     "A bug in the gateway, or a hook of the shop that the must-use plugin could not use.",
		client:   "Show an error.",
		operator: "Report the log line `a bug ended a request`. Without one, look at the PHP error log for `cocart_gateway_allow_customer`."},

	AdminToken: {status: http.StatusUnauthorized, message: "The administration token is missing or wrong.", challenge: `Bearer realm="cocart-gateway administration"`,
		when:     "A call of the administration API without the token, or with another one.",
		client:   "Send `admin.token` as Bearer token or as Basic password.",
		operator: "Look in the log for `administration refused` and its `client`."},
	AdminLimited: {status: http.StatusTooManyRequests, message: "The administration token is wrong, and this address sent too many wrong ones. Wait before trying again.",
		when:     "A wrong administration token, of an address that sent ten wrong ones within a minute.",
		client:   "Send the right token, which is accepted at once, or wait as long as `Retry-After` says.",
		operator: "Find out who sends them."},
	NoSuchSession: {status: http.StatusNotFound, message: "No session has this id.",
		when:     "The id is valid, and no session has it, or it ended too long ago.",
		client:   "Take the id from `GET /sessions` or from the log.",
		operator: "Nothing."},
	NoSuchUser: {status: http.StatusNotFound, message: "No user of WordPress has this login name or e-mail address.",
		when:     "The parameter `user` names no account.",
		client:   "Correct the name, or send `user_id`.",
		operator: "Nothing."},
	AmbiguousUser: {status: http.StatusConflict, message: "Two users of WordPress have this name.",
		when:     "The parameter `user` is the login name of one account and the e-mail address of another. The message has the ids of both.",
		client:   "Send `user_id`.",
		operator: "Nothing."},
	FingerprintNeeded: {status: http.StatusConflict, message: "This user has no live session from which to take the fingerprint of the account. " +
		"Send the member fingerprint. WordPress computes it: CoCartGateway\\fingerprint( get_userdata( N ) ).",
		when:     "A session is to be started for a user who has none, without a fingerprint.",
		client:   "Send `fingerprint`, as the message says.",
		operator: "Nothing."},
	ConfigurationRefused: {status: http.StatusUnprocessableEntity, message: "The configuration has problems. The previous one stays in force.",
		when:     "`POST /reload`, and the configuration file has problems. `data.problems` lists them.",
		client:   "Correct the file and call again.",
		operator: "`cocart-gateway config check` shows the same list."},

	BadAssertion: {status: http.StatusForbidden,
		when:     "The must-use plugin could not verify what the gateway sent.",
		client:   "Show an error; repeating does not help.",
		operator: "Compare the secret in wp-config.php with `upstream.secret`, and the clocks. The PHP error log has the reason."},
	Required: {status: http.StatusForbidden,
		when:     "A CoCart request reached WordPress without passing the gateway, and `COCART_GATEWAY_REQUIRED` is set.",
		client:   "Use the public address of the shop.",
		operator: "Send this traffic through the gateway."},
	NotAllowed: {status: http.StatusForbidden,
		when:     "The hook `cocart_gateway_allow_customer` of the shop refused the customer.",
		client:   "Show the message.",
		operator: "See [HOOKS.md](../wordpress/HOOKS.md)."},
	InvalidNonce: {status: http.StatusForbidden,
		when:     "A request with a login cookie of WordPress has an invalid nonce.",
		client:   "Reload the page, which has a new nonce.",
		operator: "Exclude pages with nonces from page caches that keep them longer than 12 hours."},
	DatabaseUnavailable: {status: http.StatusServiceUnavailable,
		when:     "The database of WordPress did not answer what it has of the customer, as while it restarts. No session ends because of that.",
		client:   "Repeat the request after `Retry-After`. Keep the tokens.",
		operator: "Look into the logs of PHP and of the database."},
}

const notYourCart = "The cart key belongs to a customer. Leave it out: your own cart comes with your login."
