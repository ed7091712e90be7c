package wprequest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// Object is the members of a JSON object in their order.
type Object []Member

// Member is one name and value of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// ParseObject reads a JSON object and keeps the order and the exact bytes of
// its values, which encoding/json would not.
func ParseObject(raw []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	members := Object{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errNotObject
		}
		m := Member{Name: name.(string)} // a name is a string in any JSON that parses
		if err := dec.Decode(&m.Value); err != nil {
			return nil, errNotObject
		}
		members = append(members, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return members, nil
}

func (members Object) Encode() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.Name) // a string always encodes
		b.Write(name)
		b.WriteByte(':')
		b.Write(m.Value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// get returns a member as PHP's json_decode sees it: exact name, the
// last of several.
func (members Object) get(name string) (json.RawMessage, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if members[i].Name == name {
			return members[i].Value, true
		}
	}
	return nil, false
}

// Text returns a string member; "" for other values.
func (members Object) Text(name string) string {
	raw, _ := members.get(name)
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func (members Object) Has(is func(string) bool) bool {
	for _, m := range members {
		if is(m.Name) {
			return true
		}
	}
	return false
}

func (members Object) Without(drop func(string) bool) Object {
	kept := make(Object, 0, len(members))
	for _, m := range members {
		if !drop(m.Name) {
			kept = append(kept, m)
		}
	}
	return kept
}

// scalar returns a JSON member as a PHP string, "" for what empty() finds empty:
// CoCart takes numbers and true for names and passwords, too.
func (members Object) scalar(name string) string {
	raw, _ := members.get(name)
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return ""
	}
	switch v := value.(type) {
	case string:
		return phpEmptyIsNone(v)
	case json.Number:
		return phpEmptyIsNone(phpNumber(v))
	case bool:
		if v {
			return "1"
		}
	}
	return ""
}

// phpNumber writes a number as PHP does: an integer as it is, another with 14 digits, such as 1.0E+20 and INF.
func phpNumber(n json.Number) string {
	if i, err := n.Int64(); err == nil {
		return strconv.FormatInt(i, 10)
	}
	f, _ := n.Float64() // too large: infinite, as in PHP
	if f == 0 {
		return "0" // PHP writes -0.0 as -0, but empty() finds it empty
	}
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.ToUpper(strconv.FormatFloat(f, 'f', -1, 64)), "+")
	}
	mantissa, exponent, large := strings.Cut(strconv.FormatFloat(f, 'G', 14, 64), "E")
	if !large {
		return mantissa
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	return mantissa + "E" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

// isList reports whether a JSON value is an array or object that PHP's empty() does not
// find empty.
func isList(raw json.RawMessage) bool {
	text := strings.Join(strings.Fields(string(raw)), "")
	return text != "" && (text[0] == '[' || text[0] == '{') && text != "[]" && text != "{}"
}

func ExtrasOf(members Object) Object {
	raw, _ := members.get("extras")
	if extras, err := ParseObject(raw); err == nil {
		return extras
	}
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list) // anything else was no place for extras
	extras := make(Object, 0, len(list)+2)
	for i, v := range list {
		extras = append(extras, Member{strconv.Itoa(i), v})
	}
	return extras
}
