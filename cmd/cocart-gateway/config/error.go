package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing an operator has to change. It never holds the value of a secret.
type Problem struct {
	Line   int    // 0: not about a line
	Key    string // dotted path as in "tokens.keys[0].secret"; empty: the file as a whole
	Value  string // what is there, as a predicate: `is "30s"`
	Rule   string // what must be there
	Remedy string // what to write or do
}

// String is the problem without the file and line.
func (p Problem) String() string {
	text := fmt.Sprintf("%s; %s; %s", p.Value, p.Rule, p.Remedy)
	if p.Key == "" {
		return text
	}
	return p.Key + ": " + text
}

// ConfigError is every problem of one configuration file, in the order of its lines.
type ConfigError struct {
	File     string
	Problems []Problem
}

func newConfigError(file string, problems []Problem) *ConfigError {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &ConfigError{file, problems}
}

// Error is one problem a line: "config.yaml:12: tokens.access_ttl: is "30s"; must be …; write e.g. 15m".
func (e *ConfigError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns one line for each problem.
func (e *ConfigError) Lines() []string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.File + ": " + p.String()
		if p.Line > 0 {
			lines[i] = fmt.Sprintf("%s:%d: %s", e.File, p.Line, p)
		}
	}
	return lines
}

// mistake is what a rule says about one value. Empty parts are filled in from the form of the key.
type mistake struct{ value, rule, remedy string }

func (m *mistake) or(value, rule, remedy string) mistake {
	return mistake{cmp.Or(m.value, value), cmp.Or(m.rule, rule), cmp.Or(m.remedy, remedy)}
}
