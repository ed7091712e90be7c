// Package tokens knows what a token is worth: it issues access tokens (JWT) and refresh tokens, judges them, renews
// them, and ends sessions. It knows Redis, and nothing of HTTP or WordPress.
//
// An [Authority] is all there is to it. Issue and Refresh talk to Redis; Verify never does: it is CPU and memory, and
// asks a local view of what was revoked, which Run keeps current from a log in Redis. So while Redis is away, Verify
// works on, and the rest answers ErrUnavailable. A refused token is a [Rejection]; what a refresh came to is a
// [Verdict]; why a session ended is a [Cause]: each is error or log word and metric label in one.
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
// # What is in Redis
//
// Every key begins with Config.KeyPrefix ("cocart:"). Times are Unix milliseconds. No command touches two keys, so
// all of it works on Redis Cluster.
//
//	key           type    what                                                           expires
//	s:<session>   hash    one session (fields below)                                     at its limit + 24 h
//	s:<session>   hash    its tombstone: uid, created, active, gen, ended, cause, owe    after 7 days or the refresh lifetime, the shorter
//	u:<user id>   zset    session id → created: where to look, repaired when read        refresh lifetime + 24 h after the last login or refresh
//	c:<user id>   hash    "*", "f:<fingerprint>" or "any" (the latest) → sessions created up to then are over   refresh lifetime + 24 h
//	cutoff        string  everybody's sessions created up to then are over               refresh lifetime + 24 h
//	revocations   stream  the revocation log: kind session | generations | user | all, at, sid, below, uid, fp   trimmed by age
//	a:<counter>   string  wrong passwords and requests: see package attempts below this one      when they no longer count
//	p:<digest>    string  SHA-256 of a refresh token of the PHP plugin → the session it became, sealed, or when it was issued; while WordPress is asked, who asks   refresh lifetime + 24 h
//	p:<digest>    string  the same, of one that the plugin has exchanged → the plugin's pair, sealed   after the grace
//	n:<digest>    string  SHA-256 of a refresh token that the PHP plugin refused → why: it is not asked again   10 min
//	h:<session>   string  the plugin's pair that a session was handed back for, sealed; while WordPress is asked, who asks   after the grace
//	lifetimes     zset    access lifetime in ms → when it was last issued: how long the log must be kept   members go when they no longer matter
//
// Fields of a session: uid, login, fp, ext (extra claims), salt (32 random bytes), created, active (last login or
// refresh), seen (last use, to five minutes), gen (current generation), used (last generation whose access token was
// seen), recent (generations retired within the grace or the life of an access
// token, 64 at most), ip, ua, by (a digest of the network and User-Agent of the last refresh), and owe (what
// the log must still be told).
//
// Who reads all of it can spend none of it: no token is stored but sealed (AES-256-GCM, with the refresh secret and the
// session's id, or the token that was exchanged), and a refresh token cannot be computed from the salt without the
// refresh secret. He learns user ids, login names, addresses, devices and fingerprints. Who can write to
// it can end sessions, but not make a token: he needs the refresh secret for that, as well.
//
// A Redis user for the gateway needs no more than this (Redis 6.2 or later; a cluster also needs +cluster and
// +readonly, a database other than 0 +select, Sentinel nothing more):
//
//	ACL SETUSER gateway on >a-long-password resetchannels ~cocart:* -@all +evalsha +eval +hmget +hget +hset +hdel +pexpire +get +set +zadd +zrange +zrem +xadd +xread +xrevrange +xtrim +multi +exec +scan +time +ping +info +hello +client
//
// Set maxmemory-policy to noeviction: EvictionPolicy tells what it is, and Run warns of any other.
package tokens
