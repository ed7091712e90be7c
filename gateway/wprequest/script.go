package wprequest

import (
	"slices"
	"strings"
)

// script is the PHP script that answers at a path.
type script int

const (
	frontController script = iota // index.php of the site, unless there is a static file
	otherScript                   // one of WordPress's own, which never dispatches REST routes
	unclearScript                 // a PHP file if there is one, the front controller if not
)

// entryPoints are WordPress's scripts beside index.php. They must not be
// mistaken for CoCart because of a parameter.
var entryPoints = []string{
	"wp-login.php", "wp-cron.php", "xmlrpc.php", "wp-comments-post.php", "wp-activate.php", "wp-signup.php",
	"wp-trackback.php", "wp-mail.php", "wp-links-opml.php",
}

// scriptOf returns where a path leads; clean is the same path, cleaned. A path that
// names no PHP file is rewritten to index.php, wherever it lies; wp-admin/nothing
// is, too.
func (rs Site) scriptOf(path, clean string) script {
	if lower := phpLower(clean); !strings.Contains(lower, ".php") {
		if isAdminPage(clean) && plainPath(path) {
			return otherScript
		}
		return frontController
	}
	if rs.namesIndex(clean) {
		return frontController
	}
	if !namesPHP(clean) {
		return frontController
	}
	if plainPath(path) && isEntryPoint(clean) {
		return otherScript
	}
	return unclearScript
}

// namesIndex reports whether a path names the site's index.php, also below a prefix.
func (rs Site) namesIndex(clean string) bool {
	for i := range rs.readings() {
		at, _ := rs.below(clean, i)
		below, isIndex := strings.CutPrefix(at.path, "index.php")
		if isIndex && (below == "" || below[0] == '/') && !namesPHP(below) {
			return true
		}
	}
	return false
}

func namesPHP(clean string) bool {
	return slices.ContainsFunc(strings.Split(phpLower(clean), "/"), func(s string) bool { return strings.HasSuffix(s, ".php") })
}

func isEntryPoint(clean string) bool {
	if slices.Contains(entryPoints, clean) {
		return true
	}
	folder, _, _ := strings.Cut(clean, "/")
	return strings.HasSuffix(clean, ".php") && strings.Count(clean, ".php") == 1 &&
		(folder == "wp-admin" || folder == "wp-content" || folder == "wp-includes")
}

// isAdminPage reports whether a path is a folder whose index.php is wp-admin's.
func isAdminPage(clean string) bool {
	return clean == "wp-admin" || clean == "wp-admin/network" || clean == "wp-admin/user"
}

// plainPath reports whether every web server finds the same file at a path.
func plainPath(path string) bool {
	lower := phpLower(path)
	return !strings.Contains(lower, "%2f") && !strings.Contains(lower, "%5c") && !strings.Contains(lower, "%00") &&
		!strings.Contains(lower, "%2e") && !strings.Contains(lower, "/.")
}
