package config

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// Changes are the keys that a reload changes at once, and those that were written but take effect at the next start.
type Changes struct {
	Changed       []string
	RestartNeeded []string
}

// merge returns the configuration that a reload puts in force: the written one, except for the keys that wait for a
// restart, which stay as they are. It works on the text that each of the two amounts to, so that a new key needs
// nothing here. world has the files that keys only name, certificates and the like.
func merge(file string, inForce, written *Config, world source) (*Config, Changes, error) {
	done := merging{Changes: Changes{Changed: []string{}, RestartNeeded: []string{}}}
	tree := done.block("", keyTable(inForce).node(true), keyTable(written).node(true))
	c, problems := readTree(tree, world)
	if len(problems) == 0 {
		return c, done.Changes, nil
	}
	// Both are good by themselves, but not the one beside what stays of the other.
	for i := range problems {
		problems[i].Line = 0
		problems[i].Remedy += "; or restart the gateway, since keys that wait for a restart are part of it"
	}
	return nil, done.Changes, newError(file, problems)
}

func readTree(tree *yaml.Node, world source) (*Config, []Problem) {
	text, err := yaml.Marshal(tree)
	if err != nil {
		return nil, []Problem{{Value: fmt.Sprintf("cannot be written: %v", err)}}
	}
	return parse(text, world)
}

type merging struct{ Changes }

// block merges two blocks of keys. A key that applies to one of them only is in one of them only.
func (m *merging) block(path string, inForce, written *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range keysOf(inForce, written) {
		before, after := child(inForce, name), child(written, name)
		key := position{key: path}.child(name, 0).key
		if before != nil && after != nil && before.Kind == yaml.MappingNode && after.Kind == yaml.MappingNode {
			after = m.block(key, before, after)
		} else {
			after = m.value(key, before, after)
		}
		if after != nil {
			out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, after)
		}
	}
	return out
}

func (m *merging) value(key string, inForce, written *yaml.Node) *yaml.Node {
	switch {
	case reflect.DeepEqual(inForce, written):
	case isReloadable(key):
		m.Changed = append(m.Changed, key)
		return written
	default:
		m.RestartNeeded = append(m.RestartNeeded, key)
	}
	return inForce
}

// keysOf lists the keys of two blocks, each once.
func keysOf(blocks ...*yaml.Node) (names []string) {
	seen := map[string]bool{}
	for _, b := range blocks {
		for i := 0; i < len(b.Content); i += 2 {
			if name := b.Content[i].Value; !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func child(block *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(block.Content); i += 2 {
		if block.Content[i].Value == name {
			return block.Content[i+1]
		}
	}
	return nil
}

// The ways to make a gateway read its configuration again.
const (
	ReloadWatch  = "watch"  // when a file changes, on SIGHUP and on request
	ReloadSignal = "signal" // on SIGHUP and on request
	ReloadOff    = "off"    // never
)

// reloadable says for keys, and for those below them that are not here themselves, whether a reload puts them in
// force. What is not here waits for a restart.
var reloadable = map[string]bool{
	"admin.token":             true,
	"admin.oauth":             true,
	"admin.hosts":             true,
	"upstream.secret":         true,
	"tls.certificates":        true,
	"site":                    true,
	"site.url":                false, // in every token and assertion that is under way
	"tokens":                  true,
	"revocation":              true,
	"trusted_proxies":         true,
	"compat":                  true,
	"compat.dry_run":          false, // the places at WordPress are taken then, or not
	"cors":                    true,
	"limits":                  true,
	"limits.header":           false, // net/http reads these three without a lock
	"limits.connections":      false,
	"limits.streams":          false,
	"server.read_timeout":     true,
	"server.shutdown_timeout": true,
	"server.drain_delay":      true,
	"server.assume_https":     true,
	"server.scheme_headers":   true,
	"login":                   true,
	"log":                     true,
}

// isReloadable goes by the nearest key above, or by key itself.
func isReloadable(key string) bool {
	for {
		if is, known := reloadable[key]; known {
			return is
		}
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 {
			return false
		}
		key = key[:dot]
	}
}

// Key is a key of the configuration file that has a value of its own.
type Key struct {
	Path       string // dotted, as in tokens.access_ttl
	Reloadable bool   // a reload puts it in force; otherwise a restart does
}

// Keys lists every key, in the order of the file. A list of blocks is one key.
func Keys() []Key { return keyTable(Default()).leaves("") }

func (s section) leaves(parent string) (keys []Key) {
	for _, e := range s {
		path := position{key: parent}.child(e.names[0], 0).key
		if e.inner == nil || e.list {
			keys = append(keys, Key{path, isReloadable(path)})
		} else {
			keys = append(keys, e.inner.leaves(path)...)
		}
	}
	return keys
}
