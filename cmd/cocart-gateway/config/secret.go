package config

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const redacted = "[redacted]"

// Secret is a value that must not be seen: whatever prints, logs or encodes it gets "[redacted]", or nothing
// where no secret is set. Only [Secret.Reveal] gives it away.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, byte for byte, for the code that computes with it.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a secret at all.
func (s Secret) IsSet() bool { return s.value != "" }

// String says that there is a secret, not which.
func (s Secret) String() string {
	if s.IsSet() {
		return redacted
	}
	return ""
}

// Format keeps every verb from the value: %x or %#v would otherwise look inside.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON and other encoders write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is what YAML writes.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// secretForm is what the text of a secret must be; check returns nil for a good one and never quotes it.
type secretForm struct {
	rule, remedy string
	check        func(string) *mistake
}

// secret is a key X with one secret, which X_file may name instead.
func secret(name string, dst *Secret, f secretForm) entry {
	return given(name, false, f, func(texts []string) { *dst = NewSecret(texts[0]) },
		func(reveal bool) any { return dst.show(reveal) })
}

// secrets is a key X with one secret or a list of them, newest first.
func secrets(name string, dst *[]Secret, f secretForm) entry {
	set := func(texts []string) {
		*dst = nil
		for _, s := range texts {
			if s != "" {
				*dst = append(*dst, NewSecret(s))
			}
		}
	}
	return given(name, true, f, set, func(reveal bool) any {
		list := []any{}
		for _, s := range *dst {
			list = append(list, s.show(reveal))
		}
		switch len(list) {
		case 0:
			return ""
		case 1:
			return list[0]
		}
		return list
	})
}

// openText is a text that may come from a file but is no secret, such as a public key.
func openText(name string, dst *string, f secretForm) entry {
	return given(name, false, f, func(texts []string) { *dst = texts[0] }, func(bool) any { return EscapeVariables(*dst) })
}

func (s Secret) show(reveal bool) any {
	if reveal {
		return EscapeVariables(s.value)
	}
	return s.String()
}

// given is a pair of keys X and X_file, of which at most one may be present.
func given(name string, many bool, f secretForm, set func([]string), show func(bool) any) entry {
	first := ""
	return entry{
		names:   []string{name, name + "_file"},
		missing: mistake{"", f.rule, f.remedy},
		show:    show,
		read: func(r *reader, key string, at place, n *yaml.Node) {
			if first != "" {
				r.reject(at, mistake{"is given besides " + first, "only one of the two may be given", "remove one of them"})
				return
			}
			first = key
			if texts, ok := r.secretTexts(at, n, key != name, many, f); ok {
				set(texts)
			}
		},
	}
}

func needed(e entry) entry {
	e.required = true
	return e
}

// secretTexts reads one secret, or several from a list; at least one comes back if all are good.
func (r *reader) secretTexts(at place, n *yaml.Node, fromFile, many bool, f secretForm) ([]string, bool) {
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

func (r *reader) secretText(at place, n *yaml.Node, fromFile bool, f secretForm) (string, bool) {
	s, fromEnv, m := r.secretSource(n, fromFile)
	seen := describeBlind(n)
	if m == nil {
		m, seen = f.check(s), length(s)+ifElse(fromEnv && !fromFile, " with the variables filled in", "")
	}
	if m != nil {
		r.reject(at, m.or(seen, f.rule, f.remedy))
	}
	return s, m == nil
}

func (r *reader) secretSource(n *yaml.Node, fromFile bool) (s string, fromEnv bool, m *mistake) {
	switch {
	case n.Kind == yaml.AliasNode:
		return "", false, &mistakenAlias
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

// secretFile returns the contents of path, less the newline that editors and echo put at the end.
func (r *reader) secretFile(path string) (string, *mistake) {
	if path == "" {
		return "", &mistake{"is empty", "must be the path of a file", "write the path or remove the key"}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	data, m := r.file(path, maxSecretFile)
	if m != nil {
		what := strings.TrimPrefix(m.value, "the file ")
		return "", &mistake{fmt.Sprintf("names %s, which %s", printable(path), what), m.rule, m.remedy}
	}
	s := strings.TrimSuffix(string(data), "\n")
	if len(s) < len(data) {
		s = strings.TrimSuffix(s, "\r")
	}
	return s, nil
}

const longestSecret = 4096

const makeSecret = "make one with: openssl rand -base64 48"

// sharedSecret is a secret that two sides must write the same way.
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

// untidy finds what makes the same secret differ from one place to the next: a newline at its end, raw bytes.
func untidy(s string) *mistake {
	switch {
	case strings.Contains(s, "-----BEGIN "):
		return &mistake{"is a PEM key", "must be a plain secret: whoever knows a public key could forge tokens", makeSecret}
	case !utf8.ValidString(s), strings.ContainsFunc(s, unicode.IsControl):
		return &mistake{"has bytes that are no printable text", "must be printable text in one line", makeSecret}
	case len(s) > longestSecret:
		return &mistake{rule: fmt.Sprintf("must be at most %d characters", longestSecret)}
	case strings.TrimSpace(s) != s:
		return &mistake{"begins or ends with white space", "must not, since the other side will hardly write it the same way",
			"remove the white space"}
	}
	return nil
}

var placeholders = []string{"changeme", "changethis", "replaceme", "replacethis", "yoursecret", "uniquephrasehere"}

// weak finds secrets of the right length that anybody would try first.
func weak(s string) *mistake {
	word := joints.Replace(strings.ToLower(s))
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
