package config

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const redacted = "[redacted]"

// Secret is a value that is never shown: printing, logging and encoding it give "[redacted]", or "" if it is empty. Only
// [Secret.Reveal] returns it.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, byte for byte.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether the secret is not empty.
func (s Secret) IsSet() bool { return s.value != "" }

// String returns "[redacted]", or "" if the secret is empty.
func (s Secret) String() string {
	if s.IsSet() {
		return redacted
	}
	return ""
}

// Format hides the value from every verb; %x and %#v would otherwise read the field.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the value from JSON and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the value from YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// secretForm describes the text of a secret. Its check never quotes the secret and returns nil for a valid one.
type secretForm struct {
	rule, remedy string
	check        func(string) *mistake
}

// textOrFile is a pair of keys X and X_file, of which at most one may be present.
type textOrFile struct {
	name string
	form secretForm
}

func (t textOrFile) entry(c content) entry {
	return entry{names: []string{t.name, t.name + "_file"}, missing: mistake{rule: t.form.rule, remedy: t.form.remedy}, content: c}
}

// texts reads one text, or with many a list of them. If ok, there is at least one and all are valid.
func (t textOrFile) texts(r *reader, key string, at position, n *yaml.Node, many bool) (texts []string, ok bool) {
	parent := strings.TrimSuffix(at.key, key)
	for _, other := range []string{t.name, t.name + "_file"} {
		if line := r.lines[parent+other]; other != key && line > 0 {
			r.reject(at, "is given besides "+other, "must not be given besides the other", "remove one of them")
			return nil, false
		}
	}
	return r.secretTexts(at, n, key != t.name, many, t.form)
}

// secret is a key X with one secret, which X_file may name instead.
func secret(name string, dst *Secret, f secretForm) entry {
	t := textOrFile{name, f}
	return t.entry(oneSecret{t, dst})
}

type oneSecret struct {
	textOrFile
	dst *Secret
}

func (o oneSecret) setDefault()          { *o.dst = Secret{} }
func (o oneSecret) show(reveal bool) any { return o.dst.show(reveal) }

func (o oneSecret) read(r *reader, key string, at position, n *yaml.Node) {
	if texts, ok := o.texts(r, key, at, n, false); ok {
		*o.dst = NewSecret(texts[0])
	}
}

// secrets is a key X with one secret or a list of them, newest first.
func secrets(name string, dst *[]Secret, f secretForm) entry {
	t := textOrFile{name, f}
	return t.entry(secretList{t, dst})
}

type secretList struct {
	textOrFile
	dst *[]Secret
}

func (l secretList) setDefault() { *l.dst = nil }

func (l secretList) read(r *reader, key string, at position, n *yaml.Node) {
	texts, ok := l.texts(r, key, at, n, true)
	if !ok {
		return
	}
	*l.dst = nil
	for _, s := range texts {
		if s != "" {
			*l.dst = append(*l.dst, NewSecret(s))
		}
	}
}

func (l secretList) show(reveal bool) any {
	list := []any{}
	for _, s := range *l.dst {
		list = append(list, s.show(reveal))
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return list
}

// openText is a key X with a text that is not secret, such as a public key; X_file may name its file instead.
func openText(name string, dst *string, f secretForm) entry {
	t := textOrFile{name, f}
	return t.entry(publicText{t, dst})
}

type publicText struct {
	textOrFile
	dst *string
}

func (p publicText) setDefault()   { *p.dst = "" }
func (p publicText) show(bool) any { return EscapeVariables(*p.dst) }

func (p publicText) read(r *reader, key string, at position, n *yaml.Node) {
	if texts, ok := p.texts(r, key, at, n, false); ok {
		*p.dst = texts[0]
	}
}

func (s Secret) show(reveal bool) any {
	if reveal {
		return EscapeVariables(s.value)
	}
	return s.String()
}

func (r *reader) secretTexts(at position, n *yaml.Node, fromFile, many bool, f secretForm) ([]string, bool) {
	if n.Kind != yaml.SequenceNode || !many || len(n.Content) == 0 {
		s, ok := r.secretText(at, n, fromFile, f)
		return []string{s}, ok
	}
	texts, good := make([]string, len(n.Content)), true
	for i, item := range n.Content {
		here := at.item(i, item.Line)
		r.lines[here.key] = item.Line
		s, ok := r.secretText(here, item, fromFile, f)
		texts[i], good = s, good && ok
	}
	return texts, good
}

func (r *reader) secretText(at position, n *yaml.Node, fromFile bool, f secretForm) (string, bool) {
	s, fromEnv, m := r.secretSource(n, fromFile)
	seen := describeBlind(n)
	if m == nil {
		m, seen = f.check(s), length(s)+ifElse(fromEnv && !fromFile, " with the variables filled in", "")
	}
	if m != nil {
		r.report(at, m.or(seen, f.rule, f.remedy))
	}
	return s, m == nil
}

func (r *reader) secretSource(n *yaml.Node, fromFile bool) (s string, fromEnv bool, m *mistake) {
	switch {
	case n.Kind == yaml.AliasNode:
		return "", false, &aliasMistake
	case n.Kind != yaml.ScalarNode, isNull(n):
		return "", false, &mistake{}
	case n.ShortTag() != "!!str":
		return "", false, &mistake{rule: "must be text", remedy: "put it in quotes"}
	}
	s, fromEnv, m = r.expand(n.Value)
	if m == nil && fromFile {
		s, m = r.secretFile(s)
	}
	return s, fromEnv, m
}

// secretFile returns the contents of path without the newline that editors and echo add at the end.
func (r *reader) secretFile(path string) (string, *mistake) {
	if path == "" {
		return "", &mistake{"is empty", "must be the path of a file", "write the path or remove the key"}
	}
	path = r.absolute(path)
	data, m := r.file(path, maxSecretFile)
	if m != nil {
		named := ofFile(path, m)
		return "", &named
	}
	s := strings.TrimSuffix(string(data), "\n")
	if len(s) < len(data) {
		s = strings.TrimSuffix(s, "\r")
	}
	return s, nil
}

const longestSecret = 4096

const makeSecret = "make one with: openssl rand -base64 48"

// sharedSecret is a secret that two configurations must contain in the same way.
func sharedSecret(low int, remedy string) secretForm {
	return secretForm{fmt.Sprintf("must be a secret of at least %d characters", low), remedy, func(s string) *mistake {
		if m := untidy(s); m != nil {
			return m
		}
		if len(s) < low {
			return &mistake{}
		}
		return weak(s)
	}}
}

func orEmpty(f secretForm) secretForm {
	check := f.check
	f.check = func(s string) *mistake {
		if s == "" {
			return nil
		}
		return check(s)
	}
	return f
}

// untidy refuses what is easily copied wrongly: a newline, white space at the ends, raw bytes.
func untidy(s string) *mistake {
	switch {
	case strings.Contains(s, "-----BEGIN "):
		return &mistake{"is a PEM key", "must be a plain secret: a public key as the secret would let its readers forge tokens", makeSecret}
	case !utf8.ValidString(s), strings.ContainsFunc(s, unicode.IsControl):
		return &mistake{"has bytes that are not printable text", "must be printable text in one line", makeSecret}
	case len(s) > longestSecret:
		return &mistake{rule: fmt.Sprintf("must be at most %d characters", longestSecret)}
	case strings.TrimSpace(s) != s:
		return &mistake{"begins or ends with white space", "must not: the other side would probably not have the white space",
			"remove the white space"}
	}
	return nil
}

var placeholders = []string{"changeme", "changethis", "replaceme", "replacethis", "yoursecret", "uniquephrasehere"}

// weak refuses secrets that are long enough but easy to guess.
func weak(s string) *mistake {
	word := separators.Replace(strings.ToLower(s))
	for _, p := range placeholders {
		if strings.Contains(word, p) {
			return &mistake{"is a placeholder", "must be random", makeSecret}
		}
	}
	for period := 1; period <= len(s)/2; period++ {
		if s[period:] == s[:len(s)-period] {
			return &mistake{"repeats itself", "must be random", makeSecret}
		}
	}
	return nil
}
