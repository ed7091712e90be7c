// Package attempts counts wrong passwords, wrong second factors and requests, and refuses when there were too many.
//
// [Guard] is the whole API. [Guard.Begin] takes an attempt from the counters before WordPress checks the password, and the
// methods of [Attempt] give it back if the password was not wrong, so that a thousand concurrent guesses are as limited as
// a thousand in a row. [Guard.Allow], [Guard.Ticket] and [Guard.AllowUse] count requests.
//
//	attempt.go, admission.go         an attempt begins: what it takes, and when it passes although a counter refuses
//	settle.go, secondfactor.go       an attempt ends: what it costs which account
//	limit.go, counters.go, local.go  the arithmetic of a counter, in Redis and in this process
//	together.go, beside.go           one round trip for what an attempt begins with, and none for how a login ends
//	namer.go, record.go, known.go    hashed names and networks, good records, passwords that were right just now
//	flights.go, waiting.go           attempts that wait for others, and when refused clients may come back
//	ticket.go, soon.go               a request that is counted with what it does in Redis, or here first
//	guard.go, requests.go            settings, and requests
//	lockouts.go                      what operators list and clear
//
// # Counting
//
// A limit of N in a time P is a bucket of N that fills up again by one every P/N (GCRA: one number per counter, the
// time at which the bucket is full again). Ten in 15 minutes are ten wrong passwords at once, and then one more every
// 90 seconds: a lockout ends by itself, and what is refused meanwhile does not make it longer. The clocks of gateways
// may differ by half a second.
//
// Counters are in Redis, shared by all gateways. While Redis is away each gateway counts by itself, by the same
// limits and in bounded memory; it tries Redis again every two seconds.
//
// # Accounts and addresses
//
// The key of an account is its user id once WordPress named it, before that the name that the client sent: folded, so
// that all spellings that WordPress takes for one name are one, and hashed. WordPress names the account with each answer;
// from then on all its names share the user's counter, and what was counted under the name moves there. If that counter
// is used up the answer is withheld, right or wrong: a new spelling gives no further guess.
//
// WordPress may check another password than that of the first name, or several. Only accounts whose password was checked
// are charged ([Attempt.Settle]); wrong passwords also count for the client's address and its networks.
//
// An address is counted as itself if it is IPv4, and by its /64 if it is IPv6; then the IPv6 /56, and the IPv6 /48 or
// IPv4 /24. An IPv6 address that wraps an IPv4 address (mapped, NAT64, 6to4, Teredo) is counted as that one.
//
// # Good records
//
// Counters that others fill must not keep a customer out. A login that succeeds writes two records: the networks that the
// account logged in from (8 of them, for 90 days), and the accounts that logged in from an address and from its network
// (500, for 7 days). From a network in its record an account passes by a counter of its own while others are used up.
// With the accounts in its record the limits of an address and of its networks grow, and from ten on the overall limit
// does not apply to it. Customers without a record pass as newcomers: see [Newcomer]. Records are bounded: only logins
// that succeed write them, and an account counts for four new networks a day. While Redis is away each gateway uses the
// records that it wrote or read itself.
//
// # What is in Redis
//
// Every key begins with Config.KeyPrefix and "a:". Hashes are HMAC-SHA256 under a key derived from Config.Secret, cut
// to 128 bits: without the secret they reveal no name and no address. Each key is one string, and expires when it means the
// same as a missing one.
//
// An attempt needs one round trip at its beginning, in which begin.lua confirms what this process remembers of good records and
// of the accounts behind names; if Redis has something else, another one. Its end is one round trip, or none where it is counted beside the beginning of the session ([Attempt.Accepting]). An attempt that a counter refuses
// needs one more. On a cluster no command and no script touches two keys, so the beginning needs two.
//
//	a:account:user:<id>, a:account:name:<hash>              wrong passwords
//	a:second_factor:user:<id>, a:second_factor:name:<hash>  wrong second factors
//	a:account_network:<account>:<hash>                      wrong passwords of an account from a network
//	a:address:<hash>, a:subnet:<hash>, a:network:<hash>     wrong passwords
//	a:overall                                               wrong passwords
//	a:newcomer_account:<account>                            wrong passwords of a locked account
//	a:newcomer_address:<hash>, a:newcomer_network:<hash>    wrong passwords
//	a:record:user:<id>                                      networks that an account logged in from: 16 bytes each
//	a:record:address:<hash>, a:record:subnet:<hash>,
//	a:record:network:<hash>                                 accounts that logged in from there: 16 bytes each
//	a:refresh:<hash>, a:validate:<hash>, a:requests:<hash>  requests of an address
//	a:app_server:<hash>                                     wrong keys of app servers from an address
//	a:session_requests:<hash>                               requests of a session
//	a:alias:<hash>                                          user id behind a name: 90 days after a login, 2 hours after a wrong password
package attempts
