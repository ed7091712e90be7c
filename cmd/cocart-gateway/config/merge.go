package config

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Changes are the keys that a reload changes at once, and those that were written but take effect at the next start.
type Changes struct {
	Changed       []string
	RestartNeeded []string
}

// merge returns the configuration that a reload puts in force: the written one, with the keys that need a restart at
// their present values. It merges the YAML of both configurations, so a new key needs no code here. src has the files
// that keys name.
func merge(file string, inForce, written *Config, src sources) (*Config, Changes, error) {
	done := merging{Changes: Changes{Changed: []string{}, RestartNeeded: []string{}}}
	if (len(inForce.Shops) > 0) != (len(written.Shops) > 0) { // from one shop to several or back: every block moves
		done.RestartNeeded = append(done.RestartNeeded, shopsKey)
		return inForce, done.Changes, nil
	}
	tree := done.block("", inForce.node(true), written.node(true))
	c, problems := readTree(tree, src)
	if len(problems) == 0 {
		return c, done.Changes, nil
	}
	// Each of the two configurations is valid, but their combination is not.
	for i := range problems {
		problems[i].Line = 0
		problems[i].Remedy += "; or restart the gateway, since keys that need a restart are involved"
	}
	return nil, done.Changes, schema.NewError(file, problems)
}

func readTree(tree *yaml.Node, src sources) (*Config, []schema.Problem) {
	text, err := yaml.Marshal(tree)
	if err != nil {
		return nil, []schema.Problem{{Value: fmt.Sprintf("cannot be written: %v", err)}}
	}
	return parse(text, src)
}

type merging struct{ Changes }

// block merges two blocks of keys. A key may be in one of them only.
func (m *merging) block(path string, inForce, written *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range keysOf(inForce, written) {
		before, after := child(inForce, name), child(written, name)
		key := schema.Position{Key: path}.Child(name, 0).Key
		if before != nil && after != nil && before.Kind == yaml.MappingNode && after.Kind == yaml.MappingNode {
			after = m.block(key, before, after)
		} else if key == shopsKey {
			after = m.shops(before, after)
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

// shops merges the shops by their names. One that only one of the lists has comes or goes at the next start.
func (m *merging) shops(inForce, written *yaml.Node) *yaml.Node {
	named := func(list *yaml.Node, name string) *yaml.Node {
		for _, shop := range list.Content {
			if child(shop, "name").Value == name {
				return shop
			}
		}
		return nil
	}
	out := &yaml.Node{Kind: yaml.SequenceNode}
	for _, before := range inForce.Content {
		name := child(before, "name").Value
		if after := named(written, name); after != nil {
			before = m.block(shopsKey+"["+name+"]", before, after)
		} else {
			m.RestartNeeded = append(m.RestartNeeded, shopsKey+"["+name+"]")
		}
		out.Content = append(out.Content, before)
	}
	for _, after := range written.Content {
		if name := child(after, "name").Value; named(inForce, name) == nil {
			m.RestartNeeded = append(m.RestartNeeded, shopsKey+"["+name+"]")
		}
	}
	return out
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

// Values of reload: when the gateway reads its configuration again.
const (
	ReloadWatch  = "watch"  // when a file changes, on SIGHUP and on request
	ReloadSignal = "signal" // on SIGHUP and on request
	ReloadOff    = "off"    // never
)

// reloadable lists whether a reload changes a key and the keys below it. A longer path takes precedence. All other keys
// need a restart.
var reloadable = map[string]bool{
	"admin.token":             true,
	"admin.oauth":             true,
	"admin.hosts":             true,
	"upstream.secret":         true,
	"tls.certificates":        true,
	"site":                    true,
	"site.url":                false, // part of every token and assertion in use
	"tokens":                  true,
	"revocation":              true,
	"trusted_proxies":         true,
	"app_servers":             true,
	"compat":                  true,
	"compat.dry_run":          false, // decides whether requests take places of the pool
	"cors":                    true,
	"cookies":                 true,
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

// isReloadable looks up a key, which may be of one of several shops.
func isReloadable(key string) bool {
	if _, below, ofShop := strings.Cut(key, "]."); ofShop && strings.HasPrefix(key, shopsKey+"[") {
		key = below
	}
	is, _ := nearest(reloadable, key)
	return is
}

// nearest looks up key, or else the nearest key above it.
func nearest(table map[string]bool, key string) (is, known bool) {
	for {
		if is, known = table[key]; known {
			return is, true
		}
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 {
			return false, false
		}
		key = key[:dot]
	}
}

// Key is a key of the configuration file that has a value of its own.
type Key struct {
	Path       string // dotted, as in tokens.access_ttl
	Reloadable bool   // a reload changes it; otherwise a restart does
}

// Keys lists every key, in the order of the file. A list of blocks is one key.
func Keys() []Key { return leaves(keyTable(Default()), "") }

func leaves(s schema.Section, parent string) (keys []Key) {
	for _, e := range s {
		path := schema.Position{Key: parent}.Child(e.Names[0], 0).Key
		if e.Inner == nil || e.List {
			keys = append(keys, Key{path, isReloadable(path)})
		} else {
			keys = append(keys, leaves(e.Inner, path)...)
		}
	}
	return keys
}
