package paritytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Read makes an Answer of what a client got.
func Read(status int, header http.Header, body string) Answer {
	a := Answer{Status: status, Has: readHeaders(header)}
	var object struct {
		Code, Message string
		Data          json.RawMessage
		User          string `json:"user_id"`
		Cart          string `json:"cart_key"`
	}
	switch keys, ok := keysOf(body); {
	case !ok:
		a.Text = text(header, body)
	case json.Unmarshal([]byte(body), &object) == nil && object.Code != "":
		a.Code, a.Data = object.Code, dataOf(status, string(object.Data))
		a.Message, _, _ = strings.Cut(object.Message, "\n")
		a.Message = seconds.ReplaceAllString(a.Message, "N seconds")
	default:
		a.Keys, a.Who = keys, who(or(or(object.User, object.Cart), header.Get("User-ID"))) // the header is the Store API's
	}
	return a
}

var seconds = regexp.MustCompile(`\d+ seconds`)

// text distinguishes a page on which WordPress shows a user the way to wp-admin from one
// that a visitor gets.
func text(header http.Header, body string) string {
	switch {
	case strings.Contains(body, `id="wpadminbar"`):
		return "a page with the admin bar"
	case strings.HasPrefix(header.Get("Content-Type"), "text/html") && strings.Contains(body, "</html>"):
		return "a page"
	case len(body) < 10:
		return body
	}
	return ""
}

// dataOf names the members of an error's data: a status that is not that of the
// answer with what it is.
func dataOf(status int, data string) []string {
	keys, _ := keysOf(data)
	var says struct{ Status any }
	if json.Unmarshal([]byte(data), &says) == nil && says.Status != float64(status) {
		for i, name := range keys {
			if name == "status" {
				keys[i] = fmt.Sprint("status ", says.Status)
			}
		}
	}
	return keys
}

// keysOf lists the members of an object, and those of its extras and data.
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
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, false
		}
		keys = append(keys, name.(string))
		if name == "extras" || name == "data" {
			inner, _ := keysOf(string(value))
			for _, below := range inner {
				keys = append(keys, fmt.Sprint(name, ".", below))
			}
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
	case id == "0" || strings.HasPrefix(id, "t_"):
		return "a guest"
	}
	return id
}
