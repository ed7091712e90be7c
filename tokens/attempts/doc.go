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
// An address is counted as itself if it is IPv4, and by its /64 if it is IPv6.
//
// # What is in Redis
//
// Every key begins with Config.KeyPrefix and "a:". Hashes are HMAC-SHA256 under a key derived from Config.Secret, cut
// to 128 bits: who reads them learns no name and no address without the secret. Each key is one string, no command
// touches two, and each expires when it says no more than a missing one would.
//
//	a:account:user:<id>, a:account:name:<hash>              wrong passwords
//	a:second_factor:user:<id>, a:second_factor:name:<hash>  wrong second factors
//	a:address:<hash>, a:overall                             wrong passwords
//	a:refresh:<hash>, a:validate:<hash>                     requests of an address
//	a:alias:<hash>                                          user id behind a name, for two hours after its last attempt
package attempts
