package storefront

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const differencesFile = "../docs/differences.md"

// listed is a row of the document: | field | change | requests | reason |.
type listed struct {
	field, change string
	requests      []string // nil: any
	occurred      map[string]bool
}

// readListed reads the rows between the markers of the document.
func readListed(t *testing.T) []*listed {
	t.Helper()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	_, table, opened := strings.Cut(string(text), "<!-- differences -->")
	table, _, closed := strings.Cut(table, "<!-- /differences -->")
	if !opened || !closed {
		t.Fatalf("%s has no table between its markers", differencesFile)
	}
	var rows []*listed
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 4 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		row := &listed{field: cells[0], change: cells[1], occurred: map[string]bool{}}
		if cells[2] != "any" {
			row.requests = strings.Split(cells[2], ", ")
		}
		if len(cells[3]) < 20 {
			t.Errorf("%s: the reason of %s is missing", differencesFile, row.field)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s lists nothing", differencesFile)
	}
	return rows
}

func (l *listed) covers(d difference) bool {
	return l.field == d.field && l.change == d.change && (l.requests == nil || slices.Contains(l.requests, d.request))
}

func isListed(rows []*listed, d difference) bool {
	return slices.ContainsFunc(rows, func(l *listed) bool { return l.covers(d) })
}

// missing are the requests for which a listed difference did not occur.
func (l *listed) missing() (names []string) {
	if l.requests == nil && len(l.occurred) == 0 {
		return []string{"any"}
	}
	for _, name := range l.requests {
		if !l.occurred[name] {
			names = append(names, name)
		}
	}
	return names
}

// judge reports differences that are not listed, and listed ones that did not occur.
func judge(t *testing.T, rows []*listed, found []difference) {
	t.Helper()
	for _, d := range found {
		i := slices.IndexFunc(rows, func(l *listed) bool { return l.covers(d) })
		if i < 0 {
			t.Errorf("not listed in %s: %s", differencesFile, d)
			continue
		}
		rows[i].occurred[d.request] = true
	}
	for _, row := range rows {
		if names := row.missing(); len(names) > 0 {
			t.Errorf("listed in %s, but did not occur: %s %s (%s)", differencesFile, row.field, row.change, strings.Join(names, ", "))
		}
	}
}
