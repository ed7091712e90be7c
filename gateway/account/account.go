// Package account answers customers about their own tokens and sessions. It decides
// nothing about tokens: its caller has verified them.
//
//	issued.go    the tokens of a login or refresh in an answer
//	me.go        GET …/jwt/me: whose token this is
//	sessions.go  …/jwt/sessions: the sessions of one user
//	device.go    the User-Agent of a session as a name for people
package account
