package schema

import (
	"cmp"
	"strings"
)

// suggestKey returns the remedy for an unknown key: the nearest key of its section, which it also returns; else the same
// key in another section; else all keys of its section.
func (r *Reader) suggestKey(s Section, name string) (near, remedy string) {
	var here []string
	for _, e := range s {
		here = append(here, e.Names...)
	}
	if near := Nearest(name, here); near != "" {
		return near, "did you mean " + near + "?"
	}
	if path := r.elsewhere(plain(name)); path != "" {
		return "", "did you mean " + path + "?"
	}
	return "", "remove it; known here: " + s.Names()
}

// elsewhere returns the first key of the file whose last word is word.
func (r *Reader) elsewhere(word string) string {
	if r.byWord == nil {
		r.byWord = map[string]string{}
		for _, path := range r.known {
			last := plain(path[strings.LastIndexByte(path, '.')+1:])
			r.byWord[last] = cmp.Or(r.byWord[last], path)
		}
	}
	return r.byWord[word]
}

// Nearest returns the candidate that name is probably a misspelling of, or else the first that begins with name or that
// name begins with, or "".
func Nearest(name string, candidates []string) string {
	name = plain(name)
	best, bestDistance := "", 1+min(2, len(name)/3)
	for _, candidate := range candidates {
		if d := distance(name, plain(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	for _, candidate := range candidates {
		c := plain(candidate)
		if best == "" && min(len(c), len(name)) >= 4 && (strings.HasPrefix(c, name) || strings.HasPrefix(name, c)) {
			best = candidate
		}
	}
	return best
}

// plain removes the differences between accessTTL, access-ttl and access_ttl.
func plain(name string) string { return separators.Replace(strings.ToLower(shortened(name))) }

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// distance counts the bytes to insert, delete, replace or swap with their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			rows[i+1][j+1] = step(rows, a, b, i, j)
		}
	}
	return rows[len(a)][len(b)]
}

func step(rows [][]int, a, b string, i, j int) int {
	if a[i] == b[j] {
		return rows[i][j]
	}
	best := 1 + min(rows[i][j], rows[i][j+1], rows[i+1][j])
	if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
		best = min(best, 1+rows[i-1][j-1])
	}
	return best
}
