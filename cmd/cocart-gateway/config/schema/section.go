// Package schema reads and writes configuration files by a table of keys: each key has a place, a default, a rule and a
// message.
//
//	section.go               blocks and lists of keys, and the [Reader] that collects every problem of a file
//	value.go, units.go       forms of values: text, numbers, words, paths, durations, sizes
//	address.go               URLs, hosts and networks
//	secret.go                secrets, which are never shown, and keys X that X_file may replace
//	environment.go           keys whose value is a variable of the environment
//	document.go, problem.go  the YAML document, variables of the environment, and what is reported
//	describe.go, suggest.go  the words of a report
//
// It does not know which keys there are: package config has the table.
package schema

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Section is a block of keys, in the order of the example file.
type Section []Entry

// Entry is one key of a section.
type Entry struct {
	Names     []string // the key, then the other keys that give the same value
	required  bool
	omitEmpty bool    // the key is not written while its value is ""
	Missing   Mistake // reported of a required key that is missing
	Inner     Section // the keys below this one, for suggestions and for the test of the example
	List      bool    // inner describes each item of a list
	Content
}

// Content is the value of a key: how it is read into a Config, written from there, and its default.
type Content interface {
	Read(r *Reader, name string, at Position, n *yaml.Node)
	Show(reveal bool) any // reveal: with secrets
	SetDefault()
}

// Required reports the key if it is missing.
func Required(e Entry) Entry {
	e.required = true
	return e
}

// OmitEmpty is for keys that do not apply everywhere, such as the secret of a key pair.
func OmitEmpty(e Entry) Entry {
	e.omitEmpty = true
	return e
}

// Position is a key and the line that it is on.
type Position struct {
	Key  string // dotted path; empty at the top
	Line int
}

// Child returns the position of a key below this one.
func (at Position) Child(name string, line int) Position {
	if at.Key == "" {
		return Position{name, line}
	}
	return Position{at.Key + "." + name, line}
}

// Item returns the position of item i of a list.
func (at Position) Item(i, line int) Position {
	return Position{fmt.Sprintf("%s[%d]", at.Key, i), line}
}

// Reader reads one file and collects its problems.
type Reader struct {
	Source
	Problems []Problem
	Lines    map[string]int    // of every key present
	faulty   map[string]bool   // keys with a problem in or below them; rules between keys skip them
	known    []string          // the paths of all keys
	byWord   map[string]string // of them, by their last word, filled when a suggestion needs it
}

// Reject reports a problem: what is there, what must be there, and what to do.
func (r *Reader) Reject(at Position, value, rule, remedy string) {
	r.Report(at, Mistake{Value: value, Rule: rule, Remedy: remedy})
}

// Report adds a problem at a position, and marks the keys above it as faulty.
func (r *Reader) Report(at Position, m Mistake) {
	for key := at.Key; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		r.faulty[key] = true
	}
	r.Problems = append(r.Problems, Problem{Line: at.Line, Key: at.Key, Value: m.Value, Rule: m.Rule, Remedy: m.Remedy})
}

// At returns the position of the first of keys that is in the file.
func (r *Reader) At(keys ...string) Position {
	for _, key := range keys {
		if line := r.Lines[key]; line > 0 {
			return Position{key, line}
		}
	}
	return Position{keys[0], 1}
}

// Sound reports whether keys, and all keys below them, are free of problems so far.
func (r *Reader) Sound(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return r.faulty[key] })
}

// Block is a key with keys below it.
func Block(name string, entries ...Entry) Entry {
	inner := Section(entries)
	return Entry{Names: []string{name}, Inner: inner, Content: inner}
}

// Blocks is a key with a list of blocks that all have the same keys. A required list has at least one.
func Blocks[T any](name string, dst *[]T, missing Mistake, keys func(*T) Section) Entry {
	return Entry{Names: []string{name}, Missing: missing, Inner: keys(new(T)), List: true,
		Content: blockList[T]{dst: dst, remedy: missing.Remedy, mayBeEmpty: missing.Rule == "", keys: keys}}
}

type blockList[T any] struct {
	dst        *[]T
	remedy     string
	mayBeEmpty bool
	keys       func(*T) Section
}

func (b blockList[T]) SetDefault() { *b.dst = nil }

func (b blockList[T]) Read(r *Reader, _ string, at Position, n *yaml.Node) {
	empty := n.Kind == yaml.SequenceNode && len(n.Content) == 0
	if n.Kind != yaml.SequenceNode || empty && !b.mayBeEmpty {
		r.Reject(at, DescribeBlind(n), "must be a list with at least one entry", b.remedy)
		return
	}
	*b.dst = nil
	if !empty {
		*b.dst = make([]T, len(n.Content))
	}
	for i, item := range n.Content {
		here := at.Item(i, item.Line)
		r.Lines[here.Key] = item.Line
		b.keys(&(*b.dst)[i]).Read(r, "", here, item)
	}
}

// FromText is a list in YAML, as in [{id: main, algorithm: HS256, secret: "${SIGNING_KEY}"}].
func (b blockList[T]) FromText(text string) (*yaml.Node, error) { return YAMLNode(text) }

func (b blockList[T]) Show(reveal bool) any {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range *b.dst {
		list.Content = append(list.Content, b.keys(&(*b.dst)[i]).Node(reveal))
	}
	return list
}

// aliasMistake reports an alias. It is most often a value that begins with an asterisk. Files are too small to need
// aliases, and without them a small file cannot expand into a large one.
var aliasMistake = Mistake{Value: "is an alias (*)", Rule: "must be written out", Remedy: "write the value itself; one that begins with * needs quotes"}

func (s Section) SetDefault() {
	for _, e := range s {
		e.SetDefault()
	}
}

func (s Section) Show(reveal bool) any { return s.Node(reveal) }

func (s Section) Read(r *Reader, _ string, at Position, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		r.Report(at, aliasMistake)
		return
	}
	if n.Kind != yaml.MappingNode && !IsNull(n) {
		r.Reject(at, DescribeBlind(n), "must be a block of keys", "write its keys below it, indented: "+s.Names())
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
func (s Section) readKey(r *Reader, at Position, key, value *yaml.Node, seen map[string]int) {
	if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
		r.Reject(Position{at.Key, key.Line}, "has a key that is not a plain word", "must have plain keys", "write one of: "+s.Names())
		return
	}
	here := at.Child(Printable(key.Value), key.Line)
	if first, twice := seen[key.Value]; twice {
		r.Reject(here, "is given twice", "must be given once", fmt.Sprintf("remove it here or in line %d", first))
		return
	}
	seen[key.Value] = key.Line
	e, known := s.find(key.Value)
	if !known {
		meant, remedy := r.suggestKey(s, key.Value)
		seen["~"+meant] = key.Line
		r.Reject(here, "is unknown", "must be a key of this gateway", remedy)
		return
	}
	r.Lines[here.Key] = key.Line
	if value.Kind == yaml.AliasNode {
		r.Report(here, aliasMistake)
		return
	}
	e.Read(r, key.Value, here, value)
}

// readAbsent reports required keys that are missing, also those inside blocks that are missing.
func (s Section) readAbsent(r *Reader, at Position, seen map[string]int) {
	for _, e := range s {
		if slices.ContainsFunc(e.Names, func(name string) bool { return seen[name] > 0 || seen["~"+name] > 0 }) {
			continue
		}
		here := at.Child(e.Names[0], at.Line)
		switch {
		case e.required:
			r.Report(here, e.Missing.Or("is missing", "", ""))
		case e.Inner != nil && !e.List:
			e.Read(r, "", here, &yaml.Node{Kind: yaml.MappingNode})
		}
	}
}

func (s Section) find(name string) (Entry, bool) {
	i := slices.IndexFunc(s, func(e Entry) bool { return slices.Contains(e.Names, name) })
	if i < 0 {
		return Entry{}, false
	}
	return s[i], true
}

// Names lists the keys of the section for a message.
func (s Section) Names() string {
	var names []string
	for _, e := range s {
		names = append(names, e.Names[0])
	}
	return strings.Join(names, ", ")
}

// Select returns the keys that keep accepts by their dotted path. Of a block it returns those of its keys; a block without
// any is left out.
func (s Section) Select(keep func(key string) bool) Section { return s.selected("", keep) }

func (s Section) selected(parent string, keep func(key string) bool) (out Section) {
	for _, e := range s {
		key := Position{Key: parent}.Child(e.Names[0], 0).Key
		if block, is := e.Content.(Section); is {
			inner := block.selected(key, keep)
			e.Inner, e.Content = inner, inner
			if len(inner) > 0 {
				out = append(out, e)
			}
		} else if keep(key) {
			out = append(out, e)
		}
	}
	return out
}

// Merge returns a block with the keys of two: those of over, and those of base that over does not give. Blocks in both are
// merged. A list or a secret of over replaces that of base, in whatever form it is given.
func (s Section) Merge(base, over *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: over.Line, Column: over.Column}
	for i := 0; i+1 < len(base.Content); i += 2 {
		if !s.replaces(over, base.Content[i].Value) {
			out.Content = append(out.Content, base.Content[i], base.Content[i+1])
		}
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		name, value := over.Content[i], over.Content[i+1]
		e, _ := s.find(name.Value)
		block, isBlock := e.Content.(Section)
		below := valueOf(base, name.Value)
		switch {
		case !isBlock || below == nil:
		case IsNull(value):
			continue
		case value.Kind == yaml.MappingNode && below.Kind == yaml.MappingNode:
			value = block.Merge(below, value)
		}
		out.Content = append(out.Content, name, value)
	}
	return out
}

// replaces reports whether a block gives a key, by any of its names. A block without keys gives nothing.
func (s Section) replaces(over *yaml.Node, name string) bool {
	e, known := s.find(name)
	if !known {
		return false
	}
	_, isBlock := e.Content.(Section)
	return slices.ContainsFunc(e.Names, func(name string) bool {
		value := valueOf(over, name)
		return value != nil && (!isBlock || !IsNull(value))
	})
}

// Paths lists every key below s as "tokens.keys[].id", including the other ways to give a value.
func (s Section) Paths(parent string) []string {
	var paths []string
	for _, e := range s {
		for _, name := range e.Names {
			paths = append(paths, Position{Key: parent}.Child(name, 0).Key)
		}
		if e.Inner != nil {
			paths = append(paths, e.Inner.Paths(Position{Key: parent}.Child(e.Names[0], 0).Key+IfElse(e.List, "[]", ""))...)
		}
	}
	return paths
}

// IsNull reports whether n has no value.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Node returns the section as YAML; reveal shows its secrets.
func (s Section) Node(reveal bool) *yaml.Node {
	block := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range s {
		shown := e.Show(reveal)
		if shown == nil || e.omitEmpty && shown == "" {
			continue
		}
		var key, value yaml.Node
		key.SetString(e.Names[0])
		if err := value.Encode(shown); err != nil {
			panic("showing " + e.Names[0] + ": " + err.Error()) // forms show plain values only
		}
		block.Content = append(block.Content, &key, &value)
	}
	return block
}
