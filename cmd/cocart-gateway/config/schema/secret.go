package schema

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Redacted is shown instead of a secret.
const Redacted = "[redacted]"

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
		return Redacted
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

// SecretForm describes the text of a secret. Its check never quotes the secret and returns nil for a valid one.
type SecretForm struct {
	Rule, Remedy string
	Check        func(string) *Mistake
}

// textOrFile is a pair of keys X and X_file, of which at most one may be present.
type textOrFile struct {
	name string
	form SecretForm
}

func (t textOrFile) entry(c Content) Entry {
	return Entry{Names: []string{t.name, t.name + "_file"}, Missing: Mistake{Rule: t.form.Rule, Remedy: t.form.Remedy}, Content: c}
}

// texts reads one text, or with many a list of them. If ok, there is at least one and all are valid.
func (t textOrFile) texts(r *Reader, key string, at Position, n *yaml.Node, many bool) (texts []string, ok bool) {
	parent := strings.TrimSuffix(at.Key, key)
	for _, other := range []string{t.name, t.name + "_file"} {
		if line := r.Lines[parent+other]; other != key && line > 0 {
			r.Reject(at, "is given besides "+other, "must not be given besides the other", "remove one of them")
			return nil, false
		}
	}
	return r.secretTexts(at, n, key != t.name, many, t.form)
}

// SecretKey is a key X with one secret, which X_file may name instead.
func SecretKey(name string, dst *Secret, f SecretForm) Entry {
	t := textOrFile{name, f}
	return t.entry(oneSecret{t, dst})
}

type oneSecret struct {
	textOrFile
	dst *Secret
}

func (o oneSecret) SetDefault()          { *o.dst = Secret{} }
func (o oneSecret) Show(reveal bool) any { return o.dst.Show(reveal) }

func (o oneSecret) Read(r *Reader, key string, at Position, n *yaml.Node) {
	if texts, ok := o.texts(r, key, at, n, false); ok {
		*o.dst = NewSecret(texts[0])
	}
}

// SecretKeys is a key X with one secret or a list of them, newest first.
func SecretKeys(name string, dst *[]Secret, f SecretForm) Entry {
	t := textOrFile{name, f}
	return t.entry(secretList{t, dst})
}

type secretList struct {
	textOrFile
	dst *[]Secret
}

func (l secretList) SetDefault() { *l.dst = nil }

func (l secretList) Read(r *Reader, key string, at Position, n *yaml.Node) {
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

// FromText is one secret, or several in lines of their own.
func (l secretList) FromText(text string) (*yaml.Node, error) {
	if !strings.Contains(strings.TrimSuffix(text, "\n"), "\n") {
		return TextNode(text), nil
	}
	return ListNode(text, "\n"), nil
}

func (l secretList) Show(reveal bool) any {
	list := []any{}
	for _, s := range *l.dst {
		list = append(list, s.Show(reveal))
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return list
}

// OpenText is a key X with a text that is not secret, such as a public key; X_file may name its file instead.
func OpenText(name string, dst *string, f SecretForm) Entry {
	t := textOrFile{name, f}
	return t.entry(publicText{t, dst})
}

type publicText struct {
	textOrFile
	dst *string
}

func (p publicText) SetDefault()   { *p.dst = "" }
func (p publicText) Show(bool) any { return EscapeVariables(*p.dst) }

func (p publicText) Read(r *Reader, key string, at Position, n *yaml.Node) {
	if texts, ok := p.texts(r, key, at, n, false); ok {
		*p.dst = texts[0]
	}
}

func (s Secret) Show(reveal bool) any {
	if reveal {
		return EscapeVariables(s.value)
	}
	return s.String()
}

func (r *Reader) secretTexts(at Position, n *yaml.Node, fromFile, many bool, f SecretForm) ([]string, bool) {
	if n.Kind != yaml.SequenceNode || !many || len(n.Content) == 0 {
		s, ok := r.SecretText(at, n, fromFile, f)
		return []string{s}, ok
	}
	texts, good := make([]string, len(n.Content)), true
	for i, item := range n.Content {
		here := at.Item(i, item.Line)
		r.Lines[here.Key] = item.Line
		s, ok := r.SecretText(here, item, fromFile, f)
		texts[i], good = s, good && ok
	}
	return texts, good
}

// SecretText reads one secret from n, or from the file that n names, and reports what is wrong with it.
func (r *Reader) SecretText(at Position, n *yaml.Node, fromFile bool, f SecretForm) (string, bool) {
	s, fromEnv, m := r.secretSource(n, fromFile)
	seen := DescribeBlind(n)
	if m == nil {
		m, seen = f.Check(s), Length(s)+IfElse(fromEnv && !fromFile, " with the variables filled in", "")
	}
	if m == nil && fromFile && s == "" {
		m = &emptySecretFile
	}
	if m != nil {
		r.Report(at, m.Or(seen, f.Rule, f.Remedy))
	}
	return s, m == nil
}

// emptySecretFile reports a file that was created and not written yet, or was truncated: without the key the secret would count as
// not set, and with it passwords, tokens or the administration would be off without a word.
var emptySecretFile = Mistake{Value: "names an empty file", Rule: "must name a file with the secret in it", Remedy: "write the secret into the file, or remove the key"}

func (r *Reader) secretSource(n *yaml.Node, fromFile bool) (s string, fromEnv bool, m *Mistake) {
	switch {
	case n.Kind == yaml.AliasNode:
		return "", false, &aliasMistake
	case n.Kind != yaml.ScalarNode, IsNull(n):
		return "", false, &Mistake{}
	case n.ShortTag() != "!!str" && n.ShortTag() != environmentTag:
		return "", false, &Mistake{Rule: "must be text", Remedy: "put it in quotes"}
	}
	s, fromEnv, m = r.text(n)
	if m == nil && fromFile {
		s, m = r.SecretFile(s)
	}
	return s, fromEnv, m
}

// SecretFile returns the contents of path without the newline that editors and echo add at the end.
func (r *Reader) SecretFile(path string) (string, *Mistake) {
	if path == "" {
		return "", &Mistake{"is empty", "must be the path of a file", "write the path or remove the key"}
	}
	path = r.absolute(path)
	data, m := r.File(path, MaxSecretFile)
	if m != nil {
		named := OfFile(path, m)
		return "", &named
	}
	s := strings.TrimSuffix(string(data), "\n")
	if len(s) < len(data) {
		s = strings.TrimSuffix(s, "\r")
	}
	return s, nil
}

// LongestSecret is the largest length of a secret, in bytes.
const LongestSecret = 4096

// MakeSecret is a remedy: how to make a random secret.
const MakeSecret = "make one with: openssl rand -base64 48"

// SharedSecret is a secret that two configurations must contain in the same way.
func SharedSecret(low int, remedy string) SecretForm {
	return SecretForm{fmt.Sprintf("must be a secret of at least %d characters", low), remedy, func(s string) *Mistake {
		if m := Untidy(s); m != nil {
			return m
		}
		if len(s) < low {
			return &Mistake{}
		}
		return Weak(s)
	}}
}

// OrEmpty also accepts an empty secret.
func OrEmpty(f SecretForm) SecretForm {
	check := f.Check
	f.Check = func(s string) *Mistake {
		if s == "" {
			return nil
		}
		return check(s)
	}
	return f
}

// Untidy refuses what is easily copied wrongly: a newline, white space at the ends, raw bytes.
func Untidy(s string) *Mistake {
	switch {
	case strings.Contains(s, "-----BEGIN "):
		return &Mistake{"is a PEM key", "must be a plain secret: a public key as the secret would let its readers forge tokens", MakeSecret}
	case !utf8.ValidString(s), strings.ContainsFunc(s, unicode.IsControl):
		return &Mistake{"has bytes that are not printable text", "must be printable text in one line", MakeSecret}
	case len(s) > LongestSecret:
		return &Mistake{Rule: fmt.Sprintf("must be at most %d characters", LongestSecret)}
	case strings.TrimSpace(s) != s:
		return &Mistake{"begins or ends with white space", "must not: the other side would probably not have the white space",
			"remove the white space"}
	}
	return nil
}

var placeholders = []string{"changeme", "changethis", "replaceme", "replacethis", "yoursecret", "uniquephrasehere"}

// Weak refuses secrets that are long enough but easy to guess.
func Weak(s string) *Mistake {
	word := separators.Replace(strings.ToLower(s))
	for _, p := range placeholders {
		if strings.Contains(word, p) {
			return &Mistake{"is a placeholder", "must be random", MakeSecret}
		}
	}
	for period := 1; period <= len(s)/2; period++ {
		if s[period:] == s[:len(s)-period] {
			return &Mistake{"repeats itself", "must be random", MakeSecret}
		}
	}
	return nil
}
