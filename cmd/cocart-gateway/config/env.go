package config

import (
	"fmt"
	"regexp"
	"strings"
)

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
