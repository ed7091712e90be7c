package wprequest

import (
	"net/url"
	"strings"
)

// Param is one parameter of a query string or urlencoded form, under the name
// PHP files it.
type Param struct {
	name, value string
	// array says that the name went on as name[…], so PHP makes it an array, which no
	// string parameter of CoCart accepts.
	array bool
	raw   string // as it stood between the ampersands
}

type Params []Param

// ParseParams splits a query string or urlencoded form as PHP's
// php_default_treat_data does: at "&" only, keeping what Go's url.ParseQuery
// would refuse (a stray "%", a ";").
func ParseParams(s string) Params {
	if s == "" {
		return nil
	}
	out := make(Params, 0, 1+strings.Count(s, "&"))
	for raw := range strings.SplitSeq(s, "&") {
		if raw == "" {
			continue
		}
		name, value, _ := strings.Cut(raw, "=")
		p := Param{value: phpURLDecode(value), raw: raw}
		if p.name, p.array = phpName(phpURLDecode(name)); p.name != "" {
			out = append(out, p)
		}
	}
	return out
}

// Last returns the value PHP ends up with: of several, the last one.
func (ps Params) Last(name string) (p Param, ok bool) {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].name == name {
			return ps[i], true
		}
	}
	return Param{}, false
}

// value returns the last string value under a name; "" if it is absent or an
// array.
func (ps Params) value(name string) string {
	if p, ok := ps.Last(name); ok && !p.array {
		return p.value
	}
	return ""
}

// Without returns the parameters as they were sent, less those that drop names.
func (ps Params) Without(drop func(name string) bool) string {
	kept := make([]string, 0, len(ps))
	for _, p := range ps {
		if !drop(p.name) {
			kept = append(kept, p.raw)
		}
	}
	return strings.Join(kept, "&")
}

// phpName does as php_register_variable_ex with a parameter's name: leading blanks go,
// a NUL ends it, and blanks, dots and an unclosed "[" become "_" up to the first
// index. PHP ignores a name that begins with an index.
func phpName(s string) (name string, array bool) {
	s = strings.TrimLeft(s, " ")
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	open := strings.IndexByte(s, '[')
	if open == 0 {
		return "", false
	}
	if open > 0 && strings.IndexByte(s[open:], ']') > 0 {
		s, array = s[:open], true
	}
	if strings.ContainsAny(s, " .[") {
		s = strings.NewReplacer(" ", "_", ".", "_", "[", "_").Replace(s)
	}
	return s, array
}

// phpURLDecode does as PHP's urldecode: "+" is a blank, and a "%" that begins no
// escape stays.
func phpURLDecode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// phpLower and phpUpper know ASCII only, as strtoupper of PHP 8 and PCRE's i flag
// do: to Go the Kelvin sign is a "k".
func phpLower(s string) string { return mapASCII(s, 'A', 'Z', 'a'-'A') }

func phpUpper(s string) string { return mapASCII(s, 'a', 'z', 'A'-'a') }

func mapASCII(s string, from, to byte, by int) string {
	if strings.IndexFunc(s, func(r rune) bool { return rune(from) <= r && r <= rune(to) }) < 0 {
		return s
	}
	out := []byte(s)
	for i, c := range out {
		if from <= c && c <= to {
			out[i] = byte(int(c) + by)
		}
	}
	return string(out)
}

// phpTrim cuts what PHP's trim cuts.
func phpTrim(s string) string { return strings.Trim(s, " \t\n\r\x00\x0b") }
