package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration file. It never contains a secret.
type Problem struct {
	Line   int    // 0: unknown
	Key    string // dotted path as in "tokens.keys[0].secret"; empty: the file as a whole
	Value  string // the value found, as a predicate: `is "30s"`
	Rule   string // what the value must be
	Remedy string // what to write or do
}

// String returns the problem without file and line.
func (p Problem) String() string {
	text := fmt.Sprintf("%s; %s; %s", p.Value, p.Rule, p.Remedy)
	if p.Key == "" {
		return text
	}
	return p.Key + ": " + text
}

// Error contains every problem of one configuration file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
}

// NewError sorts the problems of a file by line.
func NewError(file string, problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{file, problems}
}

// Error returns one problem per line: "config.yaml:12: tokens.access_ttl: is "30s"; must be …; write e.g. 15m".
func (e *Error) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns a line for each problem.
func (e *Error) Lines() []string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.File + ": " + p.String()
		switch {
		case p.Line == EnvironmentLine:
			lines[i] = fmt.Sprintf("%s: %s", Variable(p.Key), p)
		case p.Line > 0:
			lines[i] = fmt.Sprintf("%s:%d: %s", e.File, p.Line, p)
		}
	}
	return lines
}

// Mistake is a problem of one value. Empty parts are taken from the form of the key.
type Mistake struct{ Value, Rule, Remedy string }

// Or fills in the empty parts of the mistake.
func (m *Mistake) Or(value, rule, remedy string) Mistake {
	return Mistake{cmp.Or(m.Value, value), cmp.Or(m.Rule, rule), cmp.Or(m.Remedy, remedy)}
}
