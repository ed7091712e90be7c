package gateway_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

func basicHeader(credentials string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// CoCart takes an empty name for the phone number of its first customer, and a name of
// 1 MiB costs seconds of PHP.
func TestNamesOfNoAccountAreRefusedBeforeWordPressIsAsked(t *testing.T) {
	s := guarded(t)
	long := strings.Repeat("<", 101)
	field := func(name string) string { return "username=" + url.QueryEscape(name) + "&password=guess" }
	object := func(name string) string { return `{"username":` + name + `,"password":"guess"}` }
	for message, replies := range map[string]map[string]reply{
		"The user name is empty.": {
			"Basic":                      s.do("GET", cartRoute, "", basicHeader(":guess")),
			"Basic of blanks":            s.do("GET", cartRoute, "", basicHeader(" \t :guess")),
			"Basic of a tag":             s.do("GET", cartRoute, "", basicHeader("<b></b>:guess")),
			"Basic that PHP can read":    s.do("GET", cartRoute, "", strings.TrimRight(basicHeader(":guess"), "=")),
			"Basic beside others":        s.do("GET", cartRoute+"?username=mallory&password=x", "", basicHeader(":guess")),
			"Basic at login":             s.do("POST", loginRoute, "", basicHeader(":guess")),
			"query of a blank":           s.do("GET", cartRoute+"?username=+&password=guess", ""),
			"query of an entity":         s.do("GET", cartRoute+"?"+field("&x;"), ""),
			"query of an octet":          s.do("GET", cartRoute+"?"+field("%4%341"), ""),
			"query of a list":            s.do("GET", cartRoute+"?username[]=alice&password=guess", ""),
			"form":                       s.do("POST", addItemRoute, field("<i>"), formType),
			"form of a list":             s.do("POST", addItemRoute, "username[a]=alice&password=guess", formType),
			"form beside a query":        s.do("POST", addItemRoute+"?username=mallory", field("\u200b"), formType),
			"form at login":              s.do("POST", loginRoute, field(" "), formType),
			"JSON of a blank":            s.post(addItemRoute, object(`" "`)),
			"JSON of a list":             s.post(addItemRoute, object(`["alice"]`)),
			"JSON of an object":          s.post(addItemRoute, object(`{"a":"alice"}`)),
			"JSON at login":              s.post(loginRoute, object(`"\u0000"`)),
			"JSON of a list, at login":   s.post(loginRoute, object(`["alice"]`)),
			"JSON under a longer type":   s.do("POST", addItemRoute, object(`" "`), "Content-Type: text/plain; x=application/json"),
			"JSON, password a number":    s.post(addItemRoute, `{"username":" ","password":12345}`),
			"JSON, password true":        s.post(addItemRoute, `{"username":[0],"password":true}`),
			"JSON, the last name counts": s.post(addItemRoute, `{"username":"mallory","password":"guess","username":" "}`),
		},
		"The user name is too long.": {
			"Basic":          s.do("GET", cartRoute, "", basicHeader(long+":guess")),
			"query":          s.do("GET", cartRoute+"?"+field(long), ""),
			"form":           s.do("POST", addItemRoute, field(strings.Repeat("<", 300_000)), formType),
			"JSON":           s.post(addItemRoute, object(`"`+strings.Repeat("<", 1_000_000)+`"`)),
			"JSON, wide":     s.post(addItemRoute, object(`"`+strings.Repeat("\ufdfa", 340_000)+`"`)),
			"JSON at login":  s.post(loginRoute, object(`"`+strings.Repeat("<", 60_000)+`"`)),
			"without a word": s.do("GET", cartRoute+"?username="+strings.Repeat("c", 101), ""),
		},
	} {
		want := failure(400, "cocart_gateway_bad_credentials", message)
		for name, r := range replies {
			if got := r.failure(); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

// What CoCart takes for a guest without checking a password stays one.
func TestHalfAPasswordIsNoAttempt(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	for name, r := range map[string]reply{
		"Basic of nothing":      s.do("GET", cartRoute, "", basicHeader(":")),
		"empty query":           s.do("GET", cartRoute+"?username=&password=", ""),
		"a password alone":      s.do("GET", cartRoute+"?password=x", ""),
		"JSON, an empty name":   s.post(addItemRoute, `{"username":"","password":"x"}`),
		"JSON, an empty list":   s.post(addItemRoute, `{"username":[],"password":"x"}`),
		"JSON, null":            s.post(addItemRoute, `{"username":null,"password":"x"}`),
		"a name of 100 letters": s.do("GET", cartRoute+"?username="+strings.Repeat("ü", 100), ""),
	} {
		if r.Status == 400 || r.Status == 429 {
			t.Errorf("%s: %s", name, r.failure())
		}
	}
}

// Spellings that sanitize_user or the data base take for the same name share a counter
// although WordPress says nothing.
func TestEachSpellingOfANameIsCountedTogether(t *testing.T) {
	for _, spelling := range []string{
		"ali&x 1;ce@example.com", "ali&;1;ce@example.com", "al%69%%4141ice@example.com", "<b>alice</b>@example.com", "ａｌｉｃｅ@example.com",
		"álice@example.com", "ALICE@EXAMPLE.COM", " alice@example.com ", "alice\t@example.com", "alice\u200b@example.com", "al<i x='>'>ice@example.com",
		"alice@example.com\x00",
	} {
		s := guarded(t)
		s.judge.silent = true
		s.statuses("401 401 401", s.basic("alice@example.com", "a"), s.basic("alice@example.com", "b"), s.basic("alice@example.com", "c"))
		if r := s.basic(spelling, "d"); r.Status != 429 {
			t.Errorf("%q: %d %s", spelling, r.Status, r.Body)
		}
		s.statuses("401", s.basic("alicia@example.com", "d"))
	}
}

// CoCart takes numbers and true for credentials, as PHP writes them.
func TestJSONScalarsAreCredentials(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	for _, body := range []string{`{"username":5550004444,"password":1}`, `{"username":5550004444.0,"password":true}`, `{"username":"5550004444","password":1.5}`} {
		s.do("POST", addItemRoute, body, "Content-Type: application/json")
	}
	if got := s.wordpress.Last().Claims.Kind; got != "credentials" {
		t.Errorf("forwarded as %s", got)
	}
	s.statuses("429", s.basic("5550004444", "x"))
}

// What cannot be read as JSON is not taken for a body without a name or cart key.
func TestJSONThatCannotBeReadIsRefused(t *testing.T) {
	s := guarded(t)
	want := failure(400, "rest_invalid_json", "Invalid JSON body passed.")
	for name, body := range map[string]string{
		"a byte order mark": "\ufeff" + `{"username":"alice","password":"guess"}`, "cut": `{"username":"alice","password":"guess"`,
		"a comment": `/**/{"cart_key":"3"}`, "TRUE": `{"cart_key":"3","a":TRUE}`, "two values": `{"cart_key":"3"}{}`, "a trailing comma": `{"cart_key":"3",}`,
	} {
		if got := s.post(addItemRoute, body).failure(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, body := range map[string]string{"blanks": " \n", "null": "null", "a list": `["cart_key","3"]`, "a text": `"x"`, "nothing": ""} {
		if r := s.post(addItemRoute, body); r.Status != 200 {
			t.Errorf("%s: %s", name, r.failure())
		}
	}
}

// A developer reads in the answer what to mend.
func TestAMalformedFormIsExplained(t *testing.T) {
	s := openShop(t)
	r := s.do("POST", addItemRoute, "--b\r\nContent-Disposition: form-data; name='a'\r\n\r\n1\r\n--b--\r\n", multipartType)
	if got, want := r.failure(), failure(400, "cocart_gateway_bad_body", "The multipart form cannot be read in one way alone: Content-Disposition."); got != want {
		t.Errorf("%s", got)
	}
}
