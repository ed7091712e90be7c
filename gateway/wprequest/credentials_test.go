package wprequest

import (
	"encoding/base64"
	"net/http"
	"testing"
)

// CoCart takes numbers and true for names and passwords, too, and empty() finds "0" empty. An attempt that the gateway takes
// for none is not counted.
func TestCredentialsAreThoseThatPHPFinds(t *testing.T) {
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, row := range map[string]struct {
		authorization, query, kind, body string
		want                             Credentials
	}{
		"Basic":                       {authorization: basic("alice:pass:word"), want: Credentials{"alice", "pass:word"}},
		"Basic in any case":           {authorization: "bASIC \t" + basic("alice:secret")[6:] + " ", want: Credentials{"alice", "secret"}},
		"Basic without padding":       {authorization: "Basic YWxpY2U6cA", want: Credentials{"alice", "p"}},
		"Basic with foreign letters":  {authorization: "Basic YWx*pY2U6\ncA==", want: Credentials{"alice", "p"}},
		"Basic with six bits more":    {authorization: "Basic YWxpY2U6cAAAA", want: Credentials{"alice", "p"}},
		"Basic without a password":    {authorization: basic("alice:")},
		"another scheme":              {authorization: "Bearer " + basic("alice:secret")[6:]},
		"the query":                   {query: "username=alice&password=secret", want: Credentials{"alice", "secret"}},
		"blanks around them":          {query: "username=+alice%0a&password=%00secret+", want: Credentials{"alice", "secret"}},
		"0 for a password":            {query: "username=alice&password=0"},
		"0 for a name":                {query: "username=0&password=secret"},
		"a form":                      {kind: "application/x-www-form-urlencoded", body: "username=alice&password=secret", want: Credentials{"alice", "secret"}},
		"a form beats the query":      {query: "username=bob&password=x", kind: "application/x-www-form-urlencoded", body: "username=alice&password=secret", want: Credentials{"alice", "secret"}},
		"half a form, half the query": {query: "username=bob&password=x", kind: "application/x-www-form-urlencoded", body: "username=alice", want: Credentials{"alice", "x"}},
		"Basic beats the query":       {authorization: basic("alice:secret"), query: "username=bob&password=x", want: Credentials{"alice", "secret"}},
		"the query beats JSON":        {query: "username=alice&password=secret", kind: "application/json", body: `{"username":"bob","password":"x"}`, want: Credentials{"alice", "secret"}},
		"JSON":                        {kind: "application/json", body: `{"username":"alice","password":"secret"}`, want: Credentials{"alice", "secret"}},
		"true":                        {kind: "application/json", body: `{"username":"alice","password":true}`, want: Credentials{"alice", "1"}},
		"false":                       {kind: "application/json", body: `{"username":"alice","password":false}`},
		"null":                        {kind: "application/json", body: `{"username":"alice","password":null}`},
		"a list":                      {kind: "application/json", body: `{"username":"alice","password":["secret"]}`},
		"an integer":                  {kind: "application/json", body: `{"username":5550004444,"password":12345678901234567}`, want: Credentials{"5550004444", "12345678901234567"}},
		"a fraction":                  {kind: "application/json", body: `{"username":"alice","password":1.50}`, want: Credentials{"alice", "1.5"}},
		"a fraction of many digits":   {kind: "application/json", body: `{"username":0.00001,"password":0.1234567890123456789}`, want: Credentials{"1.0E-5", "0.12345678901235"}},
		"large numbers":               {kind: "application/json", body: `{"username":1e20,"password":12345678901234567890}`, want: Credentials{"1.0E+20", "1.2345678901235E+19"}},
		"numbers without an end":      {kind: "application/json", body: `{"username":-1e999,"password":1e999}`, want: Credentials{"-INF", "INF"}},
		"zero":                        {kind: "application/json", body: `{"username":"alice","password":0}`},
		"a fraction of zero":          {kind: "application/json", body: `{"username":"alice","password":-0.0}`},
		"a text that is zero":         {kind: "application/json", body: `{"username":"alice","password":"-0"}`, want: Credentials{"alice", "-0"}},
		"the last of two":             {kind: "application/json", body: `{"password":"x","username":"alice","password":"secret"}`, want: Credentials{"alice", "secret"}},
	} {
		body, err := ParseBody([]byte(row.body), row.kind)
		if err != nil {
			t.Fatal(err)
		}
		in := Input{Method: "POST", Header: http.Header{"Authorization": {row.authorization}}, Query: ParseParams(row.query), Body: body}
		if got := in.Credentials(); got != row.want || in.CarriesWholePassword() != row.want.Complete() {
			t.Errorf("%s: %q, whole %v; want %q", name, got, in.CarriesWholePassword(), row.want)
		}
	}
}

func TestNamesThatCoCartWouldTakeForAnothersAreRefused(t *testing.T) {
	for body, refused := range map[string]bool{
		`{"username":"alice","password":"x"}`: false, `{"username":"","password":"x"}`: false, `{"username":[],"password":"x"}`: false, `{"username":["a"]}`: false,
		`{"username":{},"password":"x"}`: false, `{"username":[ ],"password":"x"}`: false, `{"username":null,"password":"x"}`: false,
		`{"username":["a"],"password":"x"}`: true, `{"username":{"a":1},"password":"x"}`: true, `{"username":"<b>","password":"x"}`: true, `{"username":"%41","password":"x"}`: true,
	} {
		object, err := ParseBody([]byte(body), "application/json")
		if err != nil {
			t.Fatal(err)
		}
		if err := (Input{Header: http.Header{}, Body: object}).CheckNames(); (err != nil) != refused {
			t.Errorf("%s: %v", body, err)
		}
	}
}
