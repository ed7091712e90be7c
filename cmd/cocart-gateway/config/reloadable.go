package config

import "strings"

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
func Keys() []Key { return shape(Default()).leaves("") }

func (s section) leaves(parent string) (keys []Key) {
	for _, e := range s {
		path := place{key: parent}.child(e.names[0], 0).key
		if e.inner == nil || e.list {
			keys = append(keys, Key{path, isReloadable(path)})
		} else {
			keys = append(keys, e.inner.leaves(path)...)
		}
	}
	return keys
}
