// Package tokens knows what a token is worth: it issues access tokens (JWT) and refresh tokens, judges them, renews
// them, and ends sessions. It knows Redis, and nothing of HTTP or WordPress.
//
// An [Authority] is all there is to it. Issue and Refresh talk to Redis; Verify never does: it is CPU and memory, and
// asks a local view of what was revoked, which Run keeps current from a log in Redis. So while Redis is away, Verify
// works on, and the rest answers ErrUnavailable. A refused token is a [Rejection]; what a refresh came to is a
// [Outcome]; why a session ended is a [Cause]: each is error or log word and metric label in one.
//
// # Access tokens
//
// A JWT in the shape of the PHP plugin's, signed with the first of Config.Keys: header alg, typ and kid; payload iss,
// iat, nbf, exp, sub, aud (if configured), sid (the session), gen (its generation), fp (the account's fingerprint),
// data.user.{id, username, ip, device, pat} and, behind these, the login's extra claims, if any. Whatever is not
// exactly that, or could be read in two ways, is refused.
//
// # Refresh tokens
//
// 64 bytes as 128 lower-case hex digits: session id, generation, id of the secret, a MAC under the secret alone (so
// that garbage costs no Redis command), and a MAC under the secret and the session's salt. See refreshtoken.go for
// the form and rotate.lua for what a presented generation means.
//
// # Redis
//
// deploy/docs/redis.md lists the keys and the permissions that the gateway needs. Every key begins with
// Config.KeyPrefix. No command and no script touches two keys, so all of it works on Redis Cluster.
package tokens
