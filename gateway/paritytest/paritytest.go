// Package paritytest reads the facts about a shop with CoCart and its JWT plugin,
// and says what the gateway's answers differ in. The facts are in
// gateway/testdata/parity.json, the reasons for each difference in
// gateway/PARITY.md.
package paritytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Case is one request, what the plugin answers, and what the gateway does.
type Case struct {
	Name    string
	Method  string
	Target  string
	Headers [][2]string
	Body    string
	// Before is what happened before the request; "" is nothing.
	Before string
	// Later is how much time went by after that, as time.ParseDuration reads it.
	Later string
	Answer
	// Ours is what the gateway does otherwise.
	Ours []Difference
}

// Answer is what counts of an answer. Code and Message are those of an error, Keys
// the members of any other object, in order.
type Answer struct {
	Status        int
	Code, Message string
	Keys          []string
	Who           string // alice, bob or "a guest": who is logged in, or whose cart it is
	Text          string // an answer that is no object
	// Has lists those of the headers in [Headers] that are there; nil is not looked at.
	Has []string
}

// Difference is one row of the table in one case. What is empty stays as it was; a
// Code takes the place of an object, and an object that of an error.
type Difference struct {
	Row string
	Answer
	Empty       bool // the answer has no body
	Adds, Lacks []string
}

// Headers are those that clients, browsers and caches go by.
var Headers = []string{
	"Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
	"Access-Control-Expose-Headers", "Allow", "Cache-Control", "Content-Type", "Link", "Location", "Retry-After", "Set-Cookie", "Vary",
	"WWW-Authenticate", "X-Content-Type-Options", "X-Robots-Tag",
}

// Load reads the cases of a file.
func Load(file string) ([]Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var all []Case
	return all, dec.Decode(&all)
}

// Expected is what a gateway answers whose compat.invalid_token_status is this.
func (c *Case) Expected(invalidToken int) Answer {
	a := c.Answer
	a.Has = slices.Clone(a.Has)
	for _, d := range c.Ours {
		a = d.apply(a)
		if d.Row == statusRow {
			a.Status = invalidToken
		}
	}
	if a.Status == http.StatusUnauthorized && a.Code == "cocart_authentication_error" && slices.Contains(refusedToken, a.Message) {
		a.Status = invalidToken
	}
	return a
}

// statusRow is the difference that compat.invalid_token_status takes away.
const statusRow = "401 instead of 403"

// refusedToken is what is said of a token that is not good, and of nothing else.
var refusedToken = []string{"Authentication failed.", "Invalid refresh token.", "Refresh token expired."}

// Alike tells whether that answer is the plugin's, headers aside.
func (c *Case) Alike(invalidToken int) bool {
	want, got := c.Answer, c.Expected(invalidToken)
	want.Has, got.Has = nil, nil
	return len(Compare(want, got)) == 0
}

func (d *Difference) apply(a Answer) Answer {
	if d.Status != 0 {
		a.Status = d.Status
	}
	switch {
	case d.Empty:
		a.Code, a.Message, a.Keys, a.Who, a.Text = "", "", nil, "", ""
	case d.Code != "" || d.Message != "":
		a.Keys, a.Who, a.Text = nil, "", ""
		a.Code, a.Message = or(d.Code, a.Code), or(d.Message, a.Message)
	case d.Keys != nil || d.Text != "":
		a.Code, a.Message, a.Keys, a.Text = "", "", d.Keys, d.Text
	}
	a.Who = or(d.Who, a.Who)
	if a.Has != nil {
		a.Has = slices.DeleteFunc(append(a.Has, d.Adds...), func(s string) bool { return slices.Contains(d.Lacks, s) })
		slices.Sort(a.Has)
	}
	return a
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Read makes an Answer of what a client got.
func Read(status int, header http.Header, body string) Answer {
	a := Answer{Status: status, Has: []string{}}
	for _, name := range Headers {
		if len(header.Values(name)) > 0 {
			a.Has = append(a.Has, name)
		}
	}
	var object struct {
		Code, Message string
		User          string `json:"user_id"`
		Cart          string `json:"cart_key"`
	}
	switch keys, ok := keysOf(body); {
	case !ok:
		if len(body) < 10 {
			a.Text = body
		}
	case json.Unmarshal([]byte(body), &object) == nil && object.Code != "":
		a.Code = object.Code
		a.Message, _, _ = strings.Cut(object.Message, "\n")
		a.Message = seconds.ReplaceAllString(a.Message, "N seconds")
	default:
		a.Keys, a.Who = keys, who(or(object.User, object.Cart))
	}
	return a
}

var seconds = regexp.MustCompile(`\d+ seconds`)

func keysOf(body string) (keys []string, ok bool) {
	dec := json.NewDecoder(strings.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	keys = []string{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		keys = append(keys, name.(string))
		if dec.Decode(new(json.RawMessage)) != nil {
			return nil, false
		}
	}
	return keys, true
}

func who(id string) string {
	switch {
	case id == "2":
		return "alice"
	case id == "3":
		return "bob"
	case strings.HasPrefix(id, "t_"):
		return "a guest"
	}
	return id
}

// Compare says what differs; nothing means that the answers are alike.
func Compare(want, got Answer) []string {
	var all []string
	say := func(what string, want, got any) {
		if w, g := fmt.Sprint(want), fmt.Sprint(got); w != g {
			all = append(all, fmt.Sprintf("%s is %q, want %q", what, g, w))
		}
	}
	say("status", want.Status, got.Status)
	say("code", want.Code, got.Code)
	say("message", want.Message, got.Message)
	say("who", want.Who, got.Who)
	say("text", want.Text, got.Text)
	if want.Keys != nil || want.Has != nil || got.Has == nil { // else nothing is known of the body
		say("keys", want.Keys, got.Keys)
	}
	if want.Has != nil {
		say("headers", want.Has, got.Has)
	}
	return all
}
