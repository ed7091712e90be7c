package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// place is where something stands in the file.
type place struct {
	key  string // dotted path; empty at the top
	line int
}

func (at place) child(name string, line int) place {
	if at.key == "" {
		return place{name, line}
	}
	return place{at.key + "." + name, line}
}

func (at place) item(i, line int) place { return place{fmt.Sprintf("%s[%d]", at.key, i), line} }

// reader walks one file and gathers what is wrong with it.
type reader struct {
	source
	problems []Problem
	lines    map[string]int    // of every key present
	faulty   map[string]bool   // keys with a problem in or below them, which rules between keys leave alone
	byWord   map[string]string // paths of keys by their last word, once a suggestion needed them
	redisURL redisURL
}

func (r *reader) reject(at place, m mistake) {
	for key := at.key; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		r.faulty[key] = true
	}
	r.problems = append(r.problems, Problem{at.line, at.key, m.value, m.rule, m.remedy})
}

// entry is one key of a section: how to read its value into a Config and how to show it from there.
type entry struct {
	names    []string // the key; after it other keys that give the same value
	required bool
	read     func(r *reader, name string, at place, n *yaml.Node)
	show     func(reveal bool) any // nil: nothing to show
	missing  mistake               // said of a required key that is not there
	inner    section               // the keys below this one, for suggestions and for the test of the example
	list     bool                  // inner describes each item of a list
}

// section is a block of keys, in the order operators meet them.
type section []entry

func block(name string, entries ...entry) entry {
	inner := section(entries)
	return entry{
		names: []string{name},
		inner: inner,
		read:  func(r *reader, _ string, at place, n *yaml.Node) { inner.read(r, at, n) },
		show:  func(reveal bool) any { return inner.node(reveal) },
	}
}

// blocks is a list of blocks of one form that must not be empty.
func blocks[T any](name string, dst *[]T, missing mistake, form func(*T) section) entry {
	return entry{
		names:    []string{name},
		required: true,
		missing:  missing,
		inner:    form(new(T)),
		list:     true,
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
				r.reject(at, (&mistake{value: describeBlind(n), rule: "must be a list with at least one entry"}).or("", "", missing.remedy))
				return
			}
			*dst = make([]T, len(n.Content))
			for i, item := range n.Content {
				here := at.item(i, item.Line)
				r.lines[here.key] = item.Line
				form(&(*dst)[i]).read(r, here, item)
			}
		},
		show: func(reveal bool) any {
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for i := range *dst {
				list.Content = append(list.Content, form(&(*dst)[i]).node(reveal))
			}
			return list
		},
	}
}

// mistakenAlias is most often a value that began with an asterisk. Honest files are too small to need aliases, and
// without them a small file cannot unfold into a large one.
var mistakenAlias = mistake{"is an alias (*)", "must be written out", "write the value itself; one that begins with * needs quotes"}

func (s section) read(r *reader, at place, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		r.reject(at, mistakenAlias)
		return
	}
	if n.Kind != yaml.MappingNode && !isNull(n) {
		r.reject(at, mistake{describeBlind(n), "must be a block of keys", "write its keys below it, indented: " + s.names()})
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		s.readKey(r, at, n.Content[i], n.Content[i+1], seen)
	}
	s.readAbsent(r, at, seen)
}

// readKey notes in seen the line of each key, and of a misspelt one under the name it was meant to have (prefixed
// with ~), so that it is not reported as missing too.
func (s section) readKey(r *reader, at place, key, value *yaml.Node, seen map[string]int) {
	if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
		r.reject(place{at.key, key.Line}, mistake{"has a key that is no plain word", "must have plain keys",
			"write one of: " + s.names()})
		return
	}
	here := at.child(printable(key.Value), key.Line)
	if first, twice := seen[key.Value]; twice {
		r.reject(here, mistake{"is given twice", "must be given once", fmt.Sprintf("remove it here or in line %d", first)})
		return
	}
	seen[key.Value] = key.Line
	e, known := s.find(key.Value)
	if !known {
		meant, remedy := r.suggestKey(s, key.Value)
		seen["~"+meant] = key.Line
		r.reject(here, mistake{"is unknown", "must be a key of this gateway", remedy})
		return
	}
	r.lines[here.key] = key.Line
	if value.Kind == yaml.AliasNode {
		r.reject(here, mistakenAlias)
		return
	}
	e.read(r, key.Value, here, value)
}

// readAbsent reports required keys that are not there, also those inside blocks that are not there.
func (s section) readAbsent(r *reader, at place, seen map[string]int) {
	for _, e := range s {
		if slices.ContainsFunc(e.names, func(name string) bool { return seen[name] > 0 || seen["~"+name] > 0 }) {
			continue
		}
		here := at.child(e.names[0], at.line)
		switch {
		case e.required:
			r.reject(here, e.missing.or("is missing", "", ""))
		case e.inner != nil && !e.list:
			e.inner.read(r, here, &yaml.Node{Kind: yaml.MappingNode})
		}
	}
}

func (s section) find(name string) (entry, bool) {
	i := slices.IndexFunc(s, func(e entry) bool { return slices.Contains(e.names, name) })
	if i < 0 {
		return entry{}, false
	}
	return s[i], true
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
