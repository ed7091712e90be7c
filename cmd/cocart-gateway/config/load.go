package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxConfigFile = 1 << 20 // bytes
	maxSecretFile = 64 << 10
)

// Load reads and checks the file at path. Values may contain ${NAME}, which env looks up. Secrets may be in files of
// their own, whose paths are relative to the folder of path. check is called for each signing key. Every error is an
// [*Error] with all problems of the file; its text contains no secret.
func Load(path string, env func(string) (string, bool), check KeyCheck) (*Config, error) {
	return loadFrom(path, source{dir: filepath.Dir(path), env: env, file: readBounded, checkKey: check})
}

func loadFrom(path string, src source) (*Config, error) {
	data, m := src.file(path, maxConfigFile)
	if m != nil {
		return nil, newError(path, []Problem{{Value: m.value, Rule: m.rule, Remedy: m.remedy}})
	}
	c, problems := parse(data, src)
	if len(problems) > 0 {
		return nil, newError(path, problems)
	}
	return c, nil
}

// source is what a configuration text refers to: files, the environment and the rules of signing keys.
type source struct {
	dir  string
	env  func(string) (string, bool)
	file func(path string, limit int64) ([]byte, *mistake)

	checkKey KeyCheck
}

func parse(data []byte, src source) (*Config, []Problem) {
	root, problem := parseDocument(data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	c := Default()
	r := &reader{source: src, lines: map[string]int{}, faulty: map[string]bool{}}
	keyTable(c).read(r, "", position{"", root.Line}, root)
	checkRules(c, r)
	return c, r.problems
}

// parseDocument returns the mapping of the only YAML document in data.
func parseDocument(data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF), err == nil && isNull(document.Content[0]):
		return nil, &Problem{Line: 1, Value: "the file is empty", Rule: "must contain at least upstream, site and tokens",
			Remedy: "start from config.example.yaml"}
	case err != nil:
		return nil, syntaxProblem(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{Line: second.Line, Value: "a second YAML document begins here", Rule: "must be a single document",
			Remedy: "remove the line --- and what follows, or merge it"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxProblem(err)
	}
	return document.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxProblem rewords the parser's error. It omits the name of an unknown anchor, which may be a password that begins
// with an asterisk and was not quoted.
func syntaxProblem(err error) *Problem {
	line, text := 1, err.Error()
	if m := yamlError.FindStringSubmatch(text); m != nil {
		line, text = max(1, atoi(m[1])), m[2]
	}
	if strings.HasPrefix(text, "unknown anchor") {
		return &Problem{Line: line, Value: "a value begins with *", Rule: "a value that begins with * must be in quotes",
			Remedy: "put quotes around it"}
	}
	return &Problem{Line: line, Value: "not valid YAML: " + text, Rule: "must be valid YAML",
		Remedy: "check indentation (spaces, no tabs), colons and quotes in this line and the one before"}
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits) // no digits: 0
	return n
}

// readBounded reads a file. A file longer than limit is an error.
func readBounded(path string, limit int64) ([]byte, *mistake) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if int64(len(data)) > limit {
		return nil, &mistake{fmt.Sprintf("the file is larger than %d KiB", limit>>10),
			"must not be larger", "check that it is the right file"}
	}
	return data, nil
}

func unreadable(err error) *mistake {
	reason := err
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err
	}
	return &mistake{"the file cannot be read: " + reason.Error(), "must be a readable file",
		"check the path and the permissions of the user the gateway runs as"}
}

var variable = regexp.MustCompile(`\$\$|\$\{([^}]*)\}?|\$`)
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME} by the variable and $$ by $; any other $ stays. It reports whether the value contains a
// variable: messages do not show such a value, since a wrong name may put a secret there.
func (r *reader) expand(text string) (value string, fromEnv bool, m *mistake) {
	value = variable.ReplaceAllStringFunc(text, func(ref string) string {
		switch {
		case ref == "$" || ref == "$$":
			return "$"
		case !strings.HasSuffix(ref, "}"), !variableName.MatchString(ref[2 : len(ref)-1]):
			m = &mistake{rule: "must have the name of a variable and } after ${", remedy: "write e.g. ${SHOP_URL}, or $${ for a plain ${"}
			return ""
		}
		fromEnv = true
		name := ref[2 : len(ref)-1]
		set, ok := r.env(name)
		if !ok {
			m = &mistake{value: fmt.Sprintf("names ${%s}, which is not set", name),
				rule: "must be set in the environment", remedy: "set " + name + ", or write $${ for a plain ${"}
		}
		return set
	})
	return value, fromEnv, m
}

// EscapeVariables writes a text so that reading it gives the same text. It is the reverse of expand.
func EscapeVariables(text string) string { return strings.ReplaceAll(text, "$", "$$") }

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

func newError(file string, problems []Problem) *Error {
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
		if p.Line > 0 {
			lines[i] = fmt.Sprintf("%s:%d: %s", e.File, p.Line, p)
		}
	}
	return lines
}

// mistake is a problem of one value. Empty parts are taken from the form of the key.
type mistake struct{ value, rule, remedy string }

func (m *mistake) or(value, rule, remedy string) mistake {
	return mistake{cmp.Or(m.value, value), cmp.Or(m.rule, rule), cmp.Or(m.remedy, remedy)}
}
