package schema

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Form describes the values of one kind of key.
type Form[T any] struct {
	Rule   string
	Remedy string                          // empty: "write e.g." and the default of the key
	zero   string                          // what 0 means, if that is special
	Types  []string                        // the YAML types that are accepted as they are
	Parse  func(text string) (T, *Mistake) // the form fills in empty parts of the mistake
	Show   func(T) any
}

// Like gives the form an example for its messages, where the default of the key is not a good one.
func (f Form[T]) Like(example string) Form[T] { return f.Advise("write e.g. " + example) }

// Advise gives the form a remedy for its messages.
func (f Form[T]) Advise(remedy string) Form[T] {
	f.Remedy = remedy
	return f
}

// Or0 says for messages what 0 means.
func (f Form[T]) Or0(meaning string) Form[T] {
	f.zero = ", or 0 " + meaning
	return f
}

func (f Form[T]) withDefault(def T) Form[T] {
	f.Remedy = cmp.Or(f.Remedy, fmt.Sprintf("write e.g. %v", f.Show(def))) + f.zero
	return f
}

// Missing is what is reported of such a key when it is missing.
func (f Form[T]) Missing() Mistake { return Mistake{Rule: f.Rule, Remedy: f.Remedy} }

// Value is a key with one value.
func Value[T any](name string, dst *T, def T, f Form[T]) Entry {
	f = f.withDefault(def)
	return Entry{Names: []string{name}, Missing: f.Missing(), Content: single[T]{dst, def, f}}
}

type single[T any] struct {
	dst *T
	def T
	Form[T]
}

func (s single[T]) SetDefault()   { *s.dst = s.def }
func (s single[T]) Show(bool) any { return s.Form.Show(*s.dst) }

func (s single[T]) Read(r *Reader, _ string, at Position, n *yaml.Node) {
	if v, ok := ReadValue(r, at, n, s.Form); ok {
		*s.dst = v
	}
}

// Values is a key with a list of values.
func Values[T any](name string, dst *[]T, def []T, f Form[T]) Entry {
	return Entry{Names: []string{name}, Content: many[T]{dst, def, f}}
}

type many[T any] struct {
	dst *[]T
	def []T
	Form[T]
}

func (m many[T]) SetDefault() { *m.dst = slices.Clone(m.def) }

func (m many[T]) Show(bool) any {
	list := []any{}
	for _, v := range *m.dst {
		list = append(list, m.Form.Show(v))
	}
	return list
}

func (m many[T]) Read(r *Reader, _ string, at Position, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.Reject(at, Describe(n), "must be a list", "write it in brackets, as in [a, b], or one item a line after a dash")
		return
	}
	var list []T
	for i, item := range n.Content {
		if v, ok := ReadValue(r, at.Item(i, item.Line), item, m.Form); ok {
			list = append(list, v)
		}
	}
	*m.dst = list
}

// FromText is a list with commas.
func (m many[T]) FromText(text string) (*yaml.Node, error) { return ListNode(text, ","), nil }

// OneOrMore is a key with one value or a list of values. It may be an empty list.
func OneOrMore[T any](name string, dst *[]T, def []T, f Form[T]) Entry {
	return Entry{Names: []string{name}, Missing: f.Missing(), Content: oneOrMany[T]{many[T]{dst, def, f}}}
}

type oneOrMany[T any] struct{ many[T] }

func (o oneOrMany[T]) Show(reveal bool) any {
	if len(*o.dst) == 1 {
		return o.Form.Show((*o.dst)[0])
	}
	return o.many.Show(reveal)
}

func (o oneOrMany[T]) Read(r *Reader, name string, at Position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		o.many.Read(r, name, at, n)
	} else if v, ok := ReadValue(r, at, n, o.Form); ok {
		*o.dst = []T{v}
	}
}

// Path is a key with the path of a file or folder that is used later. A relative path is relative to the folder of the
// configuration.
func Path(name string, dst *string, def string, mayBeEmpty bool) Entry {
	f := Text("must be a path", func(s string) bool {
		return (s != "" || mayBeEmpty) && !strings.ContainsFunc(s, unicode.IsControl)
	}).Like("/etc/cocart-gateway/shop.pem")
	return Entry{Names: []string{name}, Missing: f.Missing(), Content: pathValue{single[string]{dst, def, f}}}
}

type pathValue struct{ single[string] }

func (p pathValue) Read(r *Reader, name string, at Position, n *yaml.Node) {
	p.single.Read(r, name, at, n)
	if *p.dst != "" {
		*p.dst = r.absolute(*p.dst)
	}
}

func (s Source) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.Dir, path)
}

// File is a key with the path of a file that must be readable. The gateway reads it again when it changes.
func File(name string, dst *string) Entry {
	f := Text("must be the path of a file", func(s string) bool { return s != "" }).Advise("write the path or remove the key")
	return OmitEmpty(Entry{Names: []string{name}, Content: fileValue{single[string]{dst: dst, Form: f}}})
}

type fileValue struct{ single[string] }

func (v fileValue) Read(r *Reader, _ string, at Position, n *yaml.Node) {
	path, ok := ReadValue(r, at, n, v.Form)
	if !ok {
		return
	}
	path = r.absolute(path)
	if _, m := r.Regular(path, MaxSecretFile); m != nil {
		r.Report(at, OfFile(path, m))
		return
	}
	*v.dst = path
}

// OfFile names the file that a mistake was found in.
func OfFile(path string, m *Mistake) Mistake {
	what := strings.TrimPrefix(m.Value, "the file ")
	return Mistake{Value: fmt.Sprintf("names %s, which %s", Printable(path), what), Rule: m.Rule, Remedy: m.Remedy}
}

// ReadValue reads the value of one key and reports what is wrong with it.
func ReadValue[T any](r *Reader, at Position, n *yaml.Node, f Form[T]) (T, bool) {
	var none T
	if m := f.wrongType(n); m != nil {
		r.Report(at, m.Or(Describe(n), f.Rule, f.Remedy))
		return none, false
	}
	text, fromEnv, m := r.text(n)
	if m == nil {
		var v T
		if v, m = f.Parse(text); m == nil {
			return v, true
		}
	}
	seen := Describe(n)
	if fromEnv {
		m.Value = cmp.Or(m.Value, seen+", "+strings.TrimPrefix(Length(text), "is ")+" with the variables filled in")
	}
	r.Report(at, m.Or(seen, f.Rule, f.Remedy))
	return none, false
}

// wrongType accepts text for any key if it names variables: their contents have no YAML type.
func (f Form[T]) wrongType(n *yaml.Node) *Mistake {
	tag := n.ShortTag()
	switch {
	case n.Kind == yaml.AliasNode:
		return &Mistake{Rule: aliasMistake.Rule, Remedy: aliasMistake.Remedy}
	case n.Kind != yaml.ScalarNode:
		return &Mistake{}
	case slices.Contains(f.Types, tag), tag == environmentTag, tag == "!!str" && strings.Contains(n.Value, "${"):
		return nil
	}
	if _, m := f.Parse(n.Value); m != nil || tag == "!!null" {
		return &Mistake{}
	}
	if tag == "!!str" {
		return &Mistake{Value: "is the text " + quoted(n.Value), Remedy: "remove the quotes"}
	}
	return &Mistake{Rule: "must be text", Remedy: "put it in quotes"}
}

// Check reports why text is not a value of this form: the rule and the remedy.
func (f Form[T]) Check(text string) error {
	if _, m := f.Parse(text); m != nil {
		wrong := m.Or("", f.Rule, f.Remedy)
		return fmt.Errorf("%s; %s", wrong.Rule, wrong.Remedy)
	}
	return nil
}

// Text is a string that valid accepts.
func Text(rule string, valid func(string) bool) Form[string] {
	return Form[string]{
		Rule:  rule,
		Types: []string{"!!str"},
		Parse: func(s string) (string, *Mistake) {
			if !valid(s) {
				return "", &Mistake{}
			}
			return s, nil
		},
		Show: func(s string) any { return EscapeVariables(s) },
	}
}

// Line is printable text of at most limit characters.
func Line(limit int) Form[string] {
	return Text(fmt.Sprintf("must be at most %d printable characters", limit), func(s string) bool {
		return len([]rune(s)) <= limit && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
	}).Advise("shorten it, or remove characters that are not printable")
}

// Choice is one of a few words.
func Choice(words ...string) Form[string] {
	return Form[string]{
		Rule:   "must be " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1],
		Remedy: "write one of these words",
		Types:  []string{"!!str"},
		Parse: func(s string) (string, *Mistake) {
			if slices.Contains(words, s) {
				return s, nil
			}
			if near := Nearest(s, words); near != "" {
				return "", &Mistake{Remedy: "did you mean " + near + "?"}
			}
			return "", &Mistake{}
		},
		Show: func(s string) any { return s },
	}
}

// Number is a whole number from low to high, both included.
func Number(low, high int) Form[int] {
	return NumberBy(fmt.Sprintf("must be a whole number from %d to %d", low, high), func(n int) bool { return low <= n && n <= high })
}

// NumberBy accepts plain decimals only: to YAML 010 is eight, to most people it is ten.
func NumberBy(rule string, valid func(int) bool) Form[int] {
	return Form[int]{
		Rule:  rule,
		Types: []string{"!!int"},
		Parse: func(s string) (int, *Mistake) {
			n, err := strconv.Atoi(s)
			if err != nil || strconv.Itoa(n) != s || !valid(n) {
				return 0, &Mistake{}
			}
			return n, nil
		},
		Show: func(n int) any { return n },
	}
}

// Truth accepts the two words that all YAML parsers agree on.
func Truth() Form[bool] {
	return Form[bool]{
		Rule:   "must be true or false",
		Remedy: "write true or false",
		Types:  []string{"!!bool"},
		Parse: func(s string) (bool, *Mistake) {
			if s != "true" && s != "false" {
				return false, &Mistake{}
			}
			return s == "true", nil
		},
		Show: func(b bool) any { return b },
	}
}

// LogLevel is one of the levels of the log.
func LogLevel() Form[slog.Level] {
	words := Choice("info", "debug", "warn", "error") // the order in which a misspelt word is compared
	return Form[slog.Level]{
		Rule:   "must be debug, info, warn or error",
		Remedy: words.Remedy,
		Types:  words.Types,
		Parse: func(s string) (slog.Level, *Mistake) {
			var level slog.Level
			if _, m := words.Parse(s); m != nil {
				return level, m
			}
			_ = level.UnmarshalText([]byte(s)) // knows each of these words
			return level, nil
		},
		Show: func(l slog.Level) any { return strings.ToLower(l.String()) },
	}
}
