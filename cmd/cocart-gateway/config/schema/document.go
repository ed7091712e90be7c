package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	MaxConfigFile = 1 << 20 // bytes
	MaxSecretFile = 64 << 10
)

// Source is what a configuration text refers to: files and the environment.
type Source struct {
	Dir  string
	Env  func(string) (string, bool)
	File func(path string, limit int64) ([]byte, *Mistake)
}

// NewReader returns a reader for one file; known are the paths of all keys, for suggestions.
func NewReader(src Source, known []string) *Reader {
	return &Reader{Source: src, Lines: map[string]int{}, faulty: map[string]bool{}, known: known}
}

// ParseDocument returns the mapping of the only YAML document in data.
func ParseDocument(data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF), err == nil && IsNull(document.Content[0]):
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
		line, text = max(1, Atoi(m[1])), m[2]
	}
	if strings.HasPrefix(text, "unknown anchor") {
		return &Problem{Line: line, Value: "a value begins with *", Rule: "a value that begins with * must be in quotes",
			Remedy: "put quotes around it"}
	}
	return &Problem{Line: line, Value: "not valid YAML: " + text, Rule: "must be valid YAML",
		Remedy: "check indentation (spaces, no tabs), colons and quotes in this line and the one before"}
}

// Atoi returns the number that digits write, or 0 if there are none.
func Atoi(digits string) int {
	n, _ := strconv.Atoi(digits) // no digits: 0
	return n
}

var variable = regexp.MustCompile(`\$\$|\$\{([^}]*)\}?|\$`)
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// text returns the text of a value with its variables filled in. Text of the environment has none.
func (r *Reader) text(n *yaml.Node) (value string, fromEnv bool, m *Mistake) {
	if n.Tag == environmentTag {
		return n.Value, false, nil
	}
	return r.expand(n.Value)
}

// expand replaces ${NAME} by the variable and $$ by $; any other $ stays. It reports whether the value contains a
// variable: messages do not show such a value, since a wrong name may put a secret there.
func (r *Reader) expand(text string) (value string, fromEnv bool, m *Mistake) {
	value = variable.ReplaceAllStringFunc(text, func(ref string) string {
		switch {
		case ref == "$" || ref == "$$":
			return "$"
		case !strings.HasSuffix(ref, "}"), !variableName.MatchString(ref[2 : len(ref)-1]):
			m = &Mistake{Rule: "must have the name of a variable and } after ${", Remedy: "write e.g. ${SHOP_URL}, or $${ for a plain ${"}
			return ""
		}
		fromEnv = true
		name := ref[2 : len(ref)-1]
		set, ok := r.Env(name)
		if !ok {
			m = &Mistake{Value: fmt.Sprintf("names ${%s}, which is not set", name),
				Rule: "must be set in the environment", Remedy: "set " + name + ", or write $${ for a plain ${"}
		}
		return set
	})
	return value, fromEnv, m
}

// EscapeVariables writes a text so that reading it gives the same text. It is the reverse of expand.
func EscapeVariables(text string) string { return strings.ReplaceAll(text, "$", "$$") }
