package paritytest_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway/paritytest"
)

const (
	login   = `{"user_id":"2","extras":{"jwt_token":"a","jwt_refresh":"b"},"dev_note":""}`
	refusal = `{"code":"cocart_authentication_error","message":"Authentication failed.","data":{"status":401}}`
)

func headers(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// What a client, a browser or a cache would notice, the comparison notices.
func TestWhatMakesTwoAnswersDiffer(t *testing.T) {
	private := []string{"Cache-Control: private, no-store", "Vary: Authorization, Origin"}
	for _, row := range []struct {
		name       string
		one, other paritytest.Answer
		differ     string // the first word of what is said
	}{
		{"the same words in another order, in two lines", read(200, login, private...), read(200, login, "Vary: Origin", "Vary: Authorization", "Cache-Control: no-store, private"), ""},
		{"another time to wait", read(429, refusal, "Retry-After: 3"), read(429, refusal, "Retry-After: 17"), ""},
		{"a time to wait that is a date", read(429, refusal, "Retry-After: 3"), read(429, refusal, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), "headers"},
		{"a cache may keep it", read(200, login, private...), read(200, login, "Cache-Control: public", private[1]), "headers"},
		{"it varies by less", read(200, login, private...), read(200, login, private[0], "Vary: Origin"), "headers"},
		{"another challenge", read(401, refusal, `WWW-Authenticate: Bearer realm="a"`), read(401, refusal, `WWW-Authenticate: Basic realm="a"`), "headers"},
		{"another origin may read it", read(200, login, "Access-Control-Allow-Origin: *"), read(200, login, "Access-Control-Allow-Origin: null"), "headers"},
		{"no refresh token among the extras", read(200, login), read(200, strings.Replace(login, `,"jwt_refresh":"b"`, "", 1)), "keys"},
		{"no status among the data", read(401, refusal), read(401, strings.Replace(refusal, `"status":401`, "", 1)), "data"},
		{"another status among the data", read(401, refusal), read(401, strings.Replace(refusal, "401", "403", 1)), "data"},
		{"no data", read(401, refusal), read(401, strings.Replace(refusal, `,"data":{"status":401}`, "", 1)), "data"},
		{"a page for somebody who is logged in", read(200, "<html></html>", "Content-Type: text/html"), read(200, `<html><div id="wpadminbar"></div></html>`, "Content-Type: text/html"), "text"},
		{"somebody's cart of the Store API", read(200, "{}", "User-ID: 0"), read(200, "{}", "User-ID: 2"), "who"},
	} {
		found, _, _ := strings.Cut(strings.Join(paritytest.Compare(row.one, row.other), "\n"), " ")
		if found != row.differ {
			t.Errorf("%s: what differs is %q, want %q", row.name, found, row.differ)
		}
	}
}

func read(status int, body string, lines ...string) paritytest.Answer {
	return paritytest.Read(status, headers(lines...), body)
}
