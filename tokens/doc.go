// Package tokens issues access tokens (JWT) and refresh tokens, verifies and refreshes them, and ends sessions. It uses
// Redis; it knows neither HTTP nor WordPress.
//
// [Authority] is the whole API. Issue, Refresh and the methods that end sessions use Redis and return ErrUnavailable
// while it is away. Verify does no I/O: it checks a token against a view of revocations in memory, which Run keeps current
// from a log in Redis. So customers go on shopping while Redis is away. A refused token is a [Rejection], the result of a
// refresh an [Outcome], the reason why a session ended a [Cause]; each is metric label and log word in one.
//
//	authority.go, config.go             settings, and how they change while requests are served
//	issue.go, mint.go                   a login begins a session and makes its first pair
//	verify.go, parse.go                 an access token is verified
//	refresh.go                          a refresh token is exchanged for the next pair: rotate.lua decides
//	step.go                             one step of a session in Redis, and the limit that is counted with it
//	end.go                              sessions end: one, those of a user, all
//	record.go, store.go, index.go       a session in Redis, its key and the index of a user's sessions
//	list.go, inspect.go, oauth.go       what operators see: sessions, one token, RFC 7009 and 7662
//	run.go, usenotes.go, loss.go        what Run does: it follows the log and notes which sessions were used
//	outcome.go, identity.go, metrics.go the closed lists of words, the types that callers see, and metrics
//	exchange.go                         what package migration needs
//
// Packages below this one: keys has the signing keys, revocation the view of revocations, revocationlog their
// log in Redis, refreshtoken the form of refresh tokens, jwt the strict parser, cluster and checkup what concerns Redis
// itself. Package migration exchanges tokens of the old PHP plugin; package attempts
// counts wrong passwords and is independent of this one.
//
// # Access tokens
//
// A JWT in the shape of the PHP plugin's, signed with the first of Config.Keys: header alg, typ and kid; payload iss,
// iat, nbf, exp, sub, aud (if configured), sid (the session), gen (its generation), fp (the account's fingerprint),
// data.user.{id, username, ip, device, pat} and, behind these, the login's extra claims. Verify refuses every other
// form, and everything that two readers could read differently.
//
// # Refresh tokens
//
// 64 bytes as 128 lower-case hex digits: session id, generation, id of the secret, a MAC under the secret alone (so
// that garbage costs no Redis command), and a MAC under the secret and the session's salt. See package refreshtoken
// for the form and rotate.lua for what a presented generation means.
//
// # Redis
//
// deploy/docs/redis.md lists the keys and the permissions that the gateway needs. Every key begins with
// Config.KeyPrefix. On one server a login and a refresh are one script each, which touches all of their keys (issue.lua,
// refresh.lua). On a cluster no command and no script touches two keys: a refresh is one round trip that reads and counts,
// and one that writes.
package tokens
