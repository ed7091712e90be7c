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
	maxConfigFile = 1 << 20 // bytes; far more than any honest file, far less than hurts
	maxSecretFile = 64 << 10
)

// Load reads and checks the file at path. Values may hold ${NAME}, looked up with env; secrets may stand in
// files of their own, whose paths are relative to the folder of path. Any error is a [*Error] that names
// every problem of the file at once; none of them shows a secret.
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

// source is the world around a configuration text.
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
		return nil, &Problem{Line: 1, Value: "the file is empty", Rule: "must hold at least upstream, site and tokens",
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

// syntaxProblem rewords the parser's error. The name of an unknown anchor stays out of it: it may well be a
// password that began with an asterisk and was not quoted.
func syntaxProblem(err error) *Problem {
	line, text := 1, err.Error()
	if m := yamlError.FindStringSubmatch(text); m != nil {
		line, text = max(1, atoi(m[1])), m[2]
	}
	if strings.HasPrefix(text, "unknown anchor") {
		return &Problem{Line: line, Value: "somewhere a value begins with *", Rule: "a value like that must be in quotes",
			Remedy: "put quotes around it"}
	}
	return &Problem{Line: line, Value: "is no YAML: " + text, Rule: "must be YAML",
		Remedy: "check indentation (spaces, no tabs), colons and quotes in this line and the one before"}
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits) // no digits: 0
	return n
}

// readBounded refuses a longer file instead of cutting it.
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
			"must not be that large", "check that it is the right file"}
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

// expand fills in ${NAME} and turns $$ into $; any other $ stands for itself. It reports whether the value
// depends on a variable: such a value is not shown in messages, since a mixed-up name may put a secret there.
func (r *reader) expand(text string) (value string, fromEnv bool, m *mistake) {
	value = variable.ReplaceAllStringFunc(text, func(ref string) string {
		switch {
		case ref == "$" || ref == "$$":
			return "$"
		case !strings.HasSuffix(ref, "}"), !variableName.MatchString(ref[2 : len(ref)-1]):
			m = &mistake{rule: "after ${ must come the name of a variable and }", remedy: "write e.g. ${SHOP_URL}, or $${ for a plain ${"}
			return ""
		}
		fromEnv = true
		name := ref[2 : len(ref)-1]
		set, ok := r.env(name)
		if !ok {
			m = &mistake{value: fmt.Sprintf("names ${%s}, which is not set", name),
				rule: "the environment must have every variable named here", remedy: "set " + name + ", or write $${ for a plain ${"}
		}
		return set
	})
	return value, fromEnv, m
}

// EscapeVariables is the reverse of expand for a text without variables.
func EscapeVariables(text string) string { return strings.ReplaceAll(text, "$", "$$") }

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

// Error is every problem of one configuration file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
}

func newError(file string, problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{file, problems}
}

// Error is one problem a line: "config.yaml:12: tokens.access_ttl: is "30s"; must be …; write e.g. 15m".
func (e *Error) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns one line for each problem.
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

// mistake is what a rule says about one value. Empty parts are filled in from the form of the key.
type mistake struct{ value, rule, remedy string }

func (m *mistake) or(value, rule, remedy string) mistake {
	return mistake{cmp.Or(m.value, value), cmp.Or(m.rule, rule), cmp.Or(m.remedy, remedy)}
}
