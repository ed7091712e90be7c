// Package attempts counts wrong passwords, wrong second factors and requests, and says when there were too many.
//
// A [Guard] is all there is to it. A password is taken from the counters before WordPress is asked ([Guard.Begin]) and
// given back when it was not wrong (the methods of [Attempt]), so that a thousand guesses at once are as limited as a
// thousand in a row. Requests are counted by [Guard.Allow].
//
// # Counting
//
// A limit of N in a time P is a bucket of N that fills up again by one every P/N (GCRA: one number per counter, the
// time at which the bucket is full again). Ten in 15 minutes are ten wrong passwords at once, and then one more every
// 90 seconds: a lockout ends by itself, and what is refused meanwhile does not make it longer. The clocks of gateways
// may differ by half a second.
//
// Counters are in Redis, shared by all gateways. While Redis is away each gateway counts by itself, by the same
// limits and in bounded memory; Redis is asked again every two seconds.
//
// # Whom a counter is of
//
// An account is known by its user id once WordPress named it, before that by what the client called it: folded, so
// that the spellings WordPress takes for one name are one, and hashed. WordPress names the account with each answer;
// from then on all its names share the user's counter, and what was counted under the name moves there. If that
// counter is used up the answer is withheld, whatever it was: a new spelling buys no guess.
//
// WordPress may check another password than the first name's, or several. Only accounts whose password was checked are
// charged ([Attempt.Settle]); the wrong ones also count for the client's address and its networks.
//
// An address is counted as itself if it is IPv4, and by its /64 if it is IPv6; then the IPv6 /56, and the IPv6 /48 or
// IPv4 /24. An IPv6 address that wraps an IPv4 address (mapped, NAT64, 6to4, Teredo) is counted as that one.
//
// # Good records
//
// Counters that others fill must keep no customer out. A login that succeeds leaves two records: the networks that the
// account logged in from (8 of them, for 90 days), and the accounts that logged in from an address and from its network
// (500, for 7 days). From a network in its record an account passes by a counter of its own while others are used up.
// With the accounts in its record the limits of an address and of its networks grow, and from ten on the overall limit
// does not concern it. Customers without a record pass as newcomers: see [Newcomer]. Records are bounded: only logins
// that succeed write them, and an account counts for four new networks a day. While Redis is away each gateway knows
// the records that it wrote itself.
//
// # What is in Redis
//
// Every key begins with Config.KeyPrefix and "a:". Hashes are HMAC-SHA256 under a key derived from Config.Secret, cut
// to 128 bits: who reads them learns no name and no address without the secret. Each key is one string, no command and
// no script touches two, and each expires when it says no more than a missing one would. An attempt needs two round
// trips at its beginning and one at its end, with up to nine scripts in each; an attempt that a counter refuses one
// more.
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
//	a:refresh:<hash>, a:validate:<hash>                     requests of an address
//	a:alias:<hash>                                          user id behind a name: 90 days after a login, 2 hours after a wrong password
package attempts
