// Package browser knows what a browser sends of its own accord, whichever page asks: cookies, and in Sec-Fetch-Site, Origin and
// Referer which page that was. It is made of pure functions: no I/O, no clock, and no other package of the gateway.
//
//	sessioncookie.go  the cookie that holds the tokens of a browser app (cookie mode): how it is set, read, taken off and removed
//	crosssite.go      whether a page may use that cookie
//	page.go           which page had a browser send WordPress's login cookie
//
// # Cookie mode
//
// A login with the header CoCart-Session: cookie gets its token pair as one cookie that no script can read. One cookie and not
// two: a browser stores or loses both tokens together, and an attacker who can set cookies cannot combine an access token of one
// customer with a refresh token of another.
//
// Its name begins with __Host- (RFC 6265bis section 4.1.3.2), so that no other host, no path and no plain http connection can
// set it. With a Domain that is not possible, and the name begins with __Secure-.
package browser
