// Package browser knows what a browser sends of its own accord, whichever page asks: cookies, and in Sec-Fetch-Site, Origin and
// Referer which page that was. It is made of pure functions: no I/O, no clock, and no other package of the gateway.
//
//	page.go           which page had a browser send WordPress's login cookie
package browser
