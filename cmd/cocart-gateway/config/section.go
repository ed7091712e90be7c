package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// section is a block of keys, in the order of the example file.
type section []entry

// entry is one key of a section.
type entry struct {
	names     []string // the key, then the other keys that give the same value
	required  bool
	omitEmpty bool    // the key is not written while its value is ""
	missing   mistake // reported of a required key that is missing
	inner     section // the keys below this one, for suggestions and for the test of the example
	list      bool    // inner describes each item of a list
	content
}

// content is the value of a key: how it is read into a Config, written from there, and its default.
type content interface {
	read(r *reader, name string, at position, n *yaml.Node)
	show(reveal bool) any // reveal: with secrets
	setDefault()
}

func required(e entry) entry {
	e.required = true
	return e
}

// omitEmpty is for keys that do not apply everywhere, such as the secret of a key pair.
func omitEmpty(e entry) entry {
	e.omitEmpty = true
	return e
}

// position is a key and the line that it is on.
type position struct {
	key  string // dotted path; empty at the top
	line int
}

func (at position) child(name string, line int) position {
	if at.key == "" {
		return position{name, line}
	}
	return position{at.key + "." + name, line}
}

func (at position) item(i, line int) position {
	return position{fmt.Sprintf("%s[%d]", at.key, i), line}
}

// reader reads one file and collects its problems.
type reader struct {
	source
	problems []Problem
	lines    map[string]int    // of every key present
	faulty   map[string]bool   // keys with a problem in or below them; rules between keys skip them
	byWord   map[string]string // paths of keys by their last word, filled when a suggestion needs them
	redisURL redisURL
}

// reject reports a problem: what is there, what must be there, and what to do.
func (r *reader) reject(at position, value, rule, remedy string) {
	r.report(at, mistake{value: value, rule: rule, remedy: remedy})
}

func (r *reader) report(at position, m mistake) {
	for key := at.key; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		r.faulty[key] = true
	}
	r.problems = append(r.problems, Problem{Line: at.line, Key: at.key, Value: m.value, Rule: m.rule, Remedy: m.remedy})
}

// at returns the position of the first of keys that is in the file.
func (r *reader) at(keys ...string) position {
	for _, key := range keys {
		if line := r.lines[key]; line > 0 {
			return position{key, line}
		}
	}
	return position{keys[0], 1}
}

// sound reports whether keys, and all keys below them, are free of problems so far.
func (r *reader) sound(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return r.faulty[key] })
}

// block is a key with keys below it.
func block(name string, entries ...entry) entry {
	inner := section(entries)
	return entry{names: []string{name}, inner: inner, content: inner}
}

// blocks is a key with a list of blocks that all have the same keys. A required list has at least one.
func blocks[T any](name string, dst *[]T, missing mistake, keys func(*T) section) entry {
	return entry{names: []string{name}, missing: missing, inner: keys(new(T)), list: true,
		content: blockList[T]{dst: dst, remedy: missing.remedy, mayBeEmpty: missing.rule == "", keys: keys}}
}

type blockList[T any] struct {
	dst        *[]T
	remedy     string
	mayBeEmpty bool
	keys       func(*T) section
}

func (b blockList[T]) setDefault() { *b.dst = nil }

func (b blockList[T]) read(r *reader, _ string, at position, n *yaml.Node) {
	empty := n.Kind == yaml.SequenceNode && len(n.Content) == 0
	if n.Kind != yaml.SequenceNode || empty && !b.mayBeEmpty {
		r.reject(at, describeBlind(n), "must be a list with at least one entry", b.remedy)
		return
	}
	*b.dst = nil
	if !empty {
		*b.dst = make([]T, len(n.Content))
	}
	for i, item := range n.Content {
		here := at.item(i, item.Line)
		r.lines[here.key] = item.Line
		b.keys(&(*b.dst)[i]).read(r, "", here, item)
	}
}

func (b blockList[T]) show(reveal bool) any {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range *b.dst {
		list.Content = append(list.Content, b.keys(&(*b.dst)[i]).node(reveal))
	}
	return list
}

// aliasMistake reports an alias. It is most often a value that begins with an asterisk. Files are too small to need
// aliases, and without them a small file cannot expand into a large one.
var aliasMistake = mistake{value: "is an alias (*)", rule: "must be written out", remedy: "write the value itself; one that begins with * needs quotes"}

func (s section) setDefault() {
	for _, e := range s {
		e.setDefault()
	}
}

func (s section) show(reveal bool) any { return s.node(reveal) }

func (s section) read(r *reader, _ string, at position, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		r.report(at, aliasMistake)
		return
	}
	if n.Kind != yaml.MappingNode && !isNull(n) {
		r.reject(at, describeBlind(n), "must be a block of keys", "write its keys below it, indented: "+s.names())
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		s.readKey(r, at, n.Content[i], n.Content[i+1], seen)
	}
	s.readAbsent(r, at, seen)
}

// readKey notes in seen the line of each key. It notes a misspelt key under the name that it resembles, with a ~
// before it, so that it is not also reported as missing.
func (s section) readKey(r *reader, at position, key, value *yaml.Node, seen map[string]int) {
	if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
		r.reject(position{at.key, key.Line}, "has a key that is not a plain word", "must have plain keys", "write one of: "+s.names())
		return
	}
	here := at.child(printable(key.Value), key.Line)
	if first, twice := seen[key.Value]; twice {
		r.reject(here, "is given twice", "must be given once", fmt.Sprintf("remove it here or in line %d", first))
		return
	}
	seen[key.Value] = key.Line
	e, known := s.find(key.Value)
	if !known {
		meant, remedy := r.suggestKey(s, key.Value)
		seen["~"+meant] = key.Line
		r.reject(here, "is unknown", "must be a key of this gateway", remedy)
		return
	}
	r.lines[here.key] = key.Line
	if value.Kind == yaml.AliasNode {
		r.report(here, aliasMistake)
		return
	}
	e.read(r, key.Value, here, value)
}

// readAbsent reports required keys that are missing, also those inside blocks that are missing.
func (s section) readAbsent(r *reader, at position, seen map[string]int) {
	for _, e := range s {
		if slices.ContainsFunc(e.names, func(name string) bool { return seen[name] > 0 || seen["~"+name] > 0 }) {
			continue
		}
		here := at.child(e.names[0], at.line)
		switch {
		case e.required:
			r.report(here, e.missing.or("is missing", "", ""))
		case e.inner != nil && !e.list:
			e.read(r, "", here, &yaml.Node{Kind: yaml.MappingNode})
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

func (s section) names() string {
	var names []string
	for _, e := range s {
		names = append(names, e.names[0])
	}
	return strings.Join(names, ", ")
}

// paths lists every key below s as "tokens.keys[].id", including the other ways to give a value.
func (s section) paths(parent string) []string {
	var paths []string
	for _, e := range s {
		for _, name := range e.names {
			paths = append(paths, position{key: parent}.child(name, 0).key)
		}
		if e.inner != nil {
			paths = append(paths, e.inner.paths(position{key: parent}.child(e.names[0], 0).key+ifElse(e.list, "[]", ""))...)
		}
	}
	return paths
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
