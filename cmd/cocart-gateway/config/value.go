package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// form is what values of one key look like: the rule and the remedy that an operator reads, the YAML types taken
// as they are, and the way from text and back.
type form[T any] struct {
	rule, remedy string
	types        []string
	parse        func(text string) (T, *mistake) // empty parts of the mistake are those of the form
	show         func(T) any
}

// value is a key with one value; its default is what dst holds already.
func value[T any](name string, dst *T, f form[T]) entry {
	return entry{
		names:   []string{name},
		missing: mistake{"", f.rule, f.remedy},
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			if v, ok := readValue(r, at, n, f); ok {
				*dst = v
			}
		},
		show: func(bool) any { return f.show(*dst) },
	}
}

func required[T any](name string, dst *T, f form[T]) entry {
	e := value(name, dst, f)
	e.required = true
	return e
}

// values is a key with a list of values.
func values[T any](name string, dst *[]T, f form[T]) entry {
	return entry{
		names: []string{name},
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			if n.Kind != yaml.SequenceNode {
				r.reject(at, mistake{describe(n), "must be a list", "write it in brackets, as in [a, b], or one item a line after a dash"})
				return
			}
			var list []T
			for i, item := range n.Content {
				if v, ok := readValue(r, at.item(i, item.Line), item, f); ok {
					list = append(list, v)
				}
			}
			*dst = list
		},
		show: func(bool) any {
			list := []any{}
			for _, v := range *dst {
				list = append(list, f.show(v))
			}
			return list
		},
	}
}

func readValue[T any](r *reader, at place, n *yaml.Node, f form[T]) (T, bool) {
	var none T
	if m := f.wrongType(n); m != nil {
		r.reject(at, m.or(describe(n), f.rule, f.remedy))
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
	r.reject(at, m.or(seen, f.rule, f.remedy))
	return none, false
}

// wrongType takes text for any key if it names variables: what they hold has no YAML type.
func (f form[T]) wrongType(n *yaml.Node) *mistake {
	tag := n.ShortTag()
	switch {
	case n.Kind == yaml.AliasNode:
		return &mistake{rule: mistakenAlias.rule, remedy: mistakenAlias.remedy}
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

// text is a string that good accepts.
func text(rule, remedy string, good func(string) bool) form[string] {
	return form[string]{rule, remedy, []string{"!!str"}, func(s string) (string, *mistake) {
		if !good(s) {
			return "", &mistake{}
		}
		return s, nil
	}, func(s string) any { return EscapeVariables(s) }}
}

// line is text of at most limit characters that a terminal and a header can carry.
func line(limit int) form[string] {
	return text(fmt.Sprintf("must be at most %d printable characters", limit), "shorten it or remove what does not print",
		func(s string) bool {
			return len([]rune(s)) <= limit && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
		})
}

func choice(words ...string) form[string] {
	either := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	return form[string]{"must be " + either, "write one of these words", []string{"!!str"}, func(s string) (string, *mistake) {
		if slices.Contains(words, s) {
			return s, nil
		}
		if near := nearest(s, words); near != "" {
			return "", &mistake{remedy: "did you mean " + near + "?"}
		}
		return "", &mistake{}
	}, func(s string) any { return s }}
}

func number(low, high int, remedy string) form[int] {
	return numberBy(fmt.Sprintf("must be a whole number from %d to %d", low, high), remedy,
		func(n int) bool { return low <= n && n <= high })
}

// numberBy takes plain decimals only: to YAML 010 is eight, to most people it is ten.
func numberBy(rule, remedy string, good func(int) bool) form[int] {
	return form[int]{rule, remedy, []string{"!!int"}, func(s string) (int, *mistake) {
		n, err := strconv.Atoi(s)
		if err != nil || strconv.Itoa(n) != s || !good(n) {
			return 0, &mistake{}
		}
		return n, nil
	}, func(n int) any { return n }}
}

// truth takes the two words that every reader of YAML agrees on.
func truth() form[bool] {
	return form[bool]{"must be true or false", "write true or false", []string{"!!bool"}, func(s string) (bool, *mistake) {
		if s != "true" && s != "false" {
			return false, &mistake{}
		}
		return s == "true", nil
	}, func(b bool) any { return b }}
}

func logLevel() form[slog.Level] {
	f := choice("info", "debug", "warn", "error")
	return form[slog.Level]{"must be debug, info, warn or error", f.remedy, f.types, func(s string) (slog.Level, *mistake) {
		var level slog.Level
		if _, m := f.parse(s); m != nil {
			return level, m
		}
		_ = level.UnmarshalText([]byte(s)) // knows each of these words
		return level, nil
	}, func(l slog.Level) any { return strings.ToLower(l.String()) }}
}
