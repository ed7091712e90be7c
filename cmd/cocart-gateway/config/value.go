package config

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

// form describes the values of one kind of key.
type form[T any] struct {
	rule   string
	remedy string                          // empty: "write e.g." and the default of the key
	zero   string                          // what 0 means, if that is special
	types  []string                        // the YAML types that are accepted as they are
	parse  func(text string) (T, *mistake) // the form fills in empty parts of the mistake
	show   func(T) any
}

// like gives the form an example for its messages, where the default of the key is not a good one.
func (f form[T]) like(example string) form[T] { return f.advise("write e.g. " + example) }

// advise gives the form a remedy for its messages.
func (f form[T]) advise(remedy string) form[T] {
	f.remedy = remedy
	return f
}

// or0 says for messages what 0 means.
func (f form[T]) or0(meaning string) form[T] {
	f.zero = ", or 0 " + meaning
	return f
}

func (f form[T]) withDefault(def T) form[T] {
	f.remedy = cmp.Or(f.remedy, fmt.Sprintf("write e.g. %v", f.show(def))) + f.zero
	return f
}

func (f form[T]) missing() mistake { return mistake{rule: f.rule, remedy: f.remedy} }

// value is a key with one value.
func value[T any](name string, dst *T, def T, f form[T]) entry {
	f = f.withDefault(def)
	return entry{names: []string{name}, missing: f.missing(), content: single[T]{dst, def, f}}
}

type single[T any] struct {
	dst *T
	def T
	form[T]
}

func (s single[T]) setDefault()   { *s.dst = s.def }
func (s single[T]) show(bool) any { return s.form.show(*s.dst) }

func (s single[T]) read(r *reader, _ string, at position, n *yaml.Node) {
	if v, ok := readValue(r, at, n, s.form); ok {
		*s.dst = v
	}
}

// values is a key with a list of values.
func values[T any](name string, dst *[]T, def []T, f form[T]) entry {
	return entry{names: []string{name}, content: many[T]{dst, def, f}}
}

type many[T any] struct {
	dst *[]T
	def []T
	form[T]
}

func (m many[T]) setDefault() { *m.dst = slices.Clone(m.def) }

func (m many[T]) show(bool) any {
	list := []any{}
	for _, v := range *m.dst {
		list = append(list, m.form.show(v))
	}
	return list
}

func (m many[T]) read(r *reader, _ string, at position, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.reject(at, describe(n), "must be a list", "write it in brackets, as in [a, b], or one item a line after a dash")
		return
	}
	var list []T
	for i, item := range n.Content {
		if v, ok := readValue(r, at.item(i, item.Line), item, m.form); ok {
			list = append(list, v)
		}
	}
	*m.dst = list
}

// oneOrMore is a key with one value or a list of values. It may be an empty list.
func oneOrMore[T any](name string, dst *[]T, def []T, f form[T]) entry {
	return entry{names: []string{name}, missing: f.missing(), content: oneOrMany[T]{many[T]{dst, def, f}}}
}

type oneOrMany[T any] struct{ many[T] }

func (o oneOrMany[T]) show(reveal bool) any {
	if len(*o.dst) == 1 {
		return o.form.show((*o.dst)[0])
	}
	return o.many.show(reveal)
}

func (o oneOrMany[T]) read(r *reader, name string, at position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		o.many.read(r, name, at, n)
	} else if v, ok := readValue(r, at, n, o.form); ok {
		*o.dst = []T{v}
	}
}

// path is a key with the path of a file or folder that is used later. A relative path is relative to the folder of the
// configuration.
func path(name string, dst *string, def string, mayBeEmpty bool) entry {
	f := text("must be a path", func(s string) bool {
		return (s != "" || mayBeEmpty) && !strings.ContainsFunc(s, unicode.IsControl)
	}).like("/etc/cocart-gateway/shop.pem")
	return entry{names: []string{name}, missing: f.missing(), content: pathValue{single[string]{dst, def, f}}}
}

type pathValue struct{ single[string] }

func (p pathValue) read(r *reader, name string, at position, n *yaml.Node) {
	p.single.read(r, name, at, n)
	if *p.dst != "" {
		*p.dst = r.absolute(*p.dst)
	}
}

func (s source) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}

// file is a key with the path of a file that must be readable. The gateway reads it again when it changes.
func file(name string, dst *string) entry {
	f := text("must be the path of a file", func(s string) bool { return s != "" }).advise("write the path or remove the key")
	return omitEmpty(entry{names: []string{name}, content: fileValue{single[string]{dst: dst, form: f}}})
}

type fileValue struct{ single[string] }

func (v fileValue) read(r *reader, _ string, at position, n *yaml.Node) {
	path, ok := readValue(r, at, n, v.form)
	if !ok {
		return
	}
	path = r.absolute(path)
	if _, m := r.file(path, maxSecretFile); m != nil {
		r.report(at, ofFile(path, m))
		return
	}
	*v.dst = path
}

// ofFile names the file that a mistake was found in.
func ofFile(path string, m *mistake) mistake {
	what := strings.TrimPrefix(m.value, "the file ")
	return mistake{value: fmt.Sprintf("names %s, which %s", printable(path), what), rule: m.rule, remedy: m.remedy}
}

func readValue[T any](r *reader, at position, n *yaml.Node, f form[T]) (T, bool) {
	var none T
	if m := f.wrongType(n); m != nil {
		r.report(at, m.or(describe(n), f.rule, f.remedy))
		return none, false
	}
	text, fromEnv, m := r.expand(n.Value)
	if m == nil {
		var v T
		if v, m = f.parse(text); m == nil {
			return v, true
		}
	}
	seen := describe(n)
	if fromEnv {
		m.value = cmp.Or(m.value, seen+", "+strings.TrimPrefix(length(text), "is ")+" with the variables filled in")
	}
	r.report(at, m.or(seen, f.rule, f.remedy))
	return none, false
}

// wrongType accepts text for any key if it names variables: their contents have no YAML type.
func (f form[T]) wrongType(n *yaml.Node) *mistake {
	tag := n.ShortTag()
	switch {
	case n.Kind == yaml.AliasNode:
		return &mistake{rule: aliasMistake.rule, remedy: aliasMistake.remedy}
	case n.Kind != yaml.ScalarNode:
		return &mistake{}
	case slices.Contains(f.types, tag), tag == "!!str" && strings.Contains(n.Value, "${"):
		return nil
	}
	if _, m := f.parse(n.Value); m != nil || tag == "!!null" {
		return &mistake{}
	}
	if tag == "!!str" {
		return &mistake{value: "is the text " + quoted(n.Value), remedy: "remove the quotes"}
	}
	return &mistake{rule: "must be text", remedy: "put it in quotes"}
}

// check reports why text is not a value of this form: the rule and the remedy.
func (f form[T]) check(text string) error {
	if _, m := f.parse(text); m != nil {
		wrong := m.or("", f.rule, f.remedy)
		return fmt.Errorf("%s; %s", wrong.rule, wrong.remedy)
	}
	return nil
}

// text is a string that valid accepts.
func text(rule string, valid func(string) bool) form[string] {
	return form[string]{
		rule:  rule,
		types: []string{"!!str"},
		parse: func(s string) (string, *mistake) {
			if !valid(s) {
				return "", &mistake{}
			}
			return s, nil
		},
		show: func(s string) any { return EscapeVariables(s) },
	}
}

// line is printable text of at most limit characters.
func line(limit int) form[string] {
	return text(fmt.Sprintf("must be at most %d printable characters", limit), func(s string) bool {
		return len([]rune(s)) <= limit && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
	}).advise("shorten it, or remove characters that are not printable")
}

// choice is one of a few words.
func choice(words ...string) form[string] {
	return form[string]{
		rule:   "must be " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1],
		remedy: "write one of these words",
		types:  []string{"!!str"},
		parse: func(s string) (string, *mistake) {
			if slices.Contains(words, s) {
				return s, nil
			}
			if near := nearest(s, words); near != "" {
				return "", &mistake{remedy: "did you mean " + near + "?"}
			}
			return "", &mistake{}
		},
		show: func(s string) any { return s },
	}
}

// number is a whole number from low to high, both included.
func number(low, high int) form[int] {
	return numberBy(fmt.Sprintf("must be a whole number from %d to %d", low, high), func(n int) bool { return low <= n && n <= high })
}

// numberBy accepts plain decimals only: to YAML 010 is eight, to most people it is ten.
func numberBy(rule string, valid func(int) bool) form[int] {
	return form[int]{
		rule:  rule,
		types: []string{"!!int"},
		parse: func(s string) (int, *mistake) {
			n, err := strconv.Atoi(s)
			if err != nil || strconv.Itoa(n) != s || !valid(n) {
				return 0, &mistake{}
			}
			return n, nil
		},
		show: func(n int) any { return n },
	}
}

// truth accepts the two words that all YAML parsers agree on.
func truth() form[bool] {
	return form[bool]{
		rule:   "must be true or false",
		remedy: "write true or false",
		types:  []string{"!!bool"},
		parse: func(s string) (bool, *mistake) {
			if s != "true" && s != "false" {
				return false, &mistake{}
			}
			return s == "true", nil
		},
		show: func(b bool) any { return b },
	}
}

func logLevel() form[slog.Level] {
	words := choice("info", "debug", "warn", "error") // the order in which a misspelt word is compared
	return form[slog.Level]{
		rule:   "must be debug, info, warn or error",
		remedy: words.remedy,
		types:  words.types,
		parse: func(s string) (slog.Level, *mistake) {
			var level slog.Level
			if _, m := words.parse(s); m != nil {
				return level, m
			}
			_ = level.UnmarshalText([]byte(s)) // knows each of these words
			return level, nil
		},
		show: func(l slog.Level) any { return strings.ToLower(l.String()) },
	}
}
