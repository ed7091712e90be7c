package main

import (
	"regexp"
	"slices"
	"strings"
)

var namespaceWord = regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\z`)

// wordPressOwn are first segments of WordPress's own REST routes. As a namespace of ours they would carry a
// customer's identity to /wp/v2/users and the like.
var wordPressOwn = []string{"wp", "batch", "oembed", "wp-site-health", "wp-block-editor"}

func namespace() form[string] {
	const rule, remedy = "must be the first segment of CoCart's routes: letters, digits, - and _", "write e.g. cocart"
	f := text(rule, remedy, namespaceWord.MatchString)
	f.parse = func(s string) (string, *mistake) {
		switch {
		case !namespaceWord.MatchString(s):
			return "", &mistake{}
		case slices.Contains(wordPressOwn, strings.ToLower(s)):
			return "", &mistake{rule: "must not be a namespace of WordPress itself"}
		}
		return s, nil
	}
	return f
}

// checkNamespaces compares as WordPress does, which matches REST routes in any case.
func checkNamespaces(c *Config, r *reader) {
	const key = "site.namespaces"
	if len(c.Site.Namespaces) == 0 && r.sound(key) {
		r.reject(r.at(key), mistake{"is an empty list", "must name at least one namespace", "write [cocart]"})
	}
	seen := map[string]bool{}
	for _, name := range c.Site.Namespaces {
		if lower := strings.ToLower(name); seen[lower] {
			r.reject(r.at(key), mistake{"has " + printable(name) + " twice", "must name each namespace once", "remove one"})
		} else {
			seen[lower] = true
		}
	}
}
