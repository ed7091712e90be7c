package main

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
