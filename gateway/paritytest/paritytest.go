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
	"slices"
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
// the members of any other object, in order; those of its extras and data follow
// them as "extras.jwt_token".
type Answer struct {
	Status        int
	Code, Message string
	// Data are the members of an error's data. A case names them only where they are
	// not the status alone, which has to be that of the answer.
	Data []string
	Keys []string
	Who  string // alice, bob or "a guest": who is logged in, or whose cart it is
	Text string // an answer that is no object: a short one as it is, a page as "a page"
	// Has lists those of the headers in [Headers] that are there, with what they say
	// where that is compared, too; nil is not looked at.
	Has []string
}

// Difference is one row of the table in one case. What is empty stays as it was; a
// Code takes the place of an object, and an object that of an error. What it adds
// takes the place of what the same header said; what it lacks is named without that.
type Difference struct {
	Row string
	Answer
	Empty       bool // the answer has no body
	Adds, Lacks []string
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
	if err := dec.Decode(&all); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Answer = all[i].withData()
	}
	return all, nil
}

// withData says what an error's data are, if the case does not.
func (a Answer) withData() Answer {
	if a.Code != "" && a.Data == nil {
		a.Data = []string{"status"}
	}
	return a
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

// Alike reports whether that answer is the plugin's, headers aside.
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
		a.Code, a.Message, a.Data, a.Keys, a.Who, a.Text = "", "", nil, nil, "", ""
	case d.Code != "" || d.Message != "":
		a.Keys, a.Who, a.Text = nil, "", ""
		a.Code, a.Message, a.Data = or(d.Code, a.Code), or(d.Message, a.Message), d.Data
		a = a.withData()
	case d.Keys != nil || d.Text != "":
		a.Code, a.Message, a.Data, a.Keys, a.Text = "", "", nil, d.Keys, d.Text
	}
	a.Who = or(d.Who, a.Who)
	if a.Has != nil {
		a.Has = without(a.Has, append(slices.Clone(d.Lacks), d.Adds...))
		a.Has = append(a.Has, d.Adds...)
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
	say("data", want.Data, got.Data)
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
