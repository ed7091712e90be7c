package wprequest

import (
	"slices"
	"strings"
)

// protection is what site.protect lists: routes and paths outside of CoCart's on which a bearer of the gateway counts.
type protection struct {
	entries []string // as they are configured, lower case
}

func newProtection(list []string) protection {
	p := protection{}
	for _, entry := range list {
		if entry = phpLower(strings.TrimRight(entry, "/")); entry != "" {
			p.entries = append(p.entries, entry)
		}
	}
	return p
}

// lasting are words in routes that give out a credential which outlives the session.
//
// Attack: a thief of an access token, which lives for minutes, makes an application password with it by
// wp/v2/users/me/application-passwords, and keeps the account. Prevention: no entry covers such a route.
const lasting = "application-passwords"

// covers returns the entry for a REST route, by whole segments and in any case, as WordPress matches routes.
func (p protection) covers(route string) string {
	if route = phpLower(strings.TrimRight(route, "/")); strings.Contains(route, lasting) {
		return ""
	}
	i := slices.IndexFunc(p.entries, func(entry string) bool {
		rest, found := strings.CutPrefix(route, "/"+entry)
		return entry[0] != '/' && found && (rest == "" || rest[0] == '/')
	})
	if i < 0 {
		return ""
	}
	return p.entries[i]
}

// coversPath returns the entry for a path of the site that is no REST path, such as "/graphql".
func (p protection) coversPath(path string) string {
	if entry := "/" + phpLower(strings.Trim(path, "/")); slices.Contains(p.entries, entry) {
		return entry
	}
	return ""
}

// protect returns the entry of site.protect that a request is for, which is not for CoCart; "" for none. A request that two
// readers could read differently is for none: it passes as it does without site.protect, and has no identity.
func (rs Site) protect(w Request, v Classification, found routesFound, clean string, door script) string {
	switch {
	case len(rs.protected.entries) == 0, found.doubt != "", found.tooMany, door != frontController:
		return ""
	case ambiguousHeaders(w, v.Query) != nil:
		return ""
	case found.route != "":
		if ambiguousRoute(found.route) != nil {
			return ""
		}
		return rs.protected.covers(trimRoute(found.route))
	case found.rest:
		return ""
	}
	for i := range rs.readings() {
		if at, ok := rs.below(clean, i); ok {
			if entry := rs.protected.coversPath(at.path); entry != "" {
				return entry
			}
		}
	}
	return ""
}
