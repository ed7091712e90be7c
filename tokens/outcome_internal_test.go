package tokens

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// A word that is missing in its list has no series that begins at zero, and no row in the documents.
func TestTheClosedListsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]func(string) bool{
		"Rejection": func(word string) bool { return slices.Contains(Rejections(), Rejection(word)) },
		"Cause":     func(word string) bool { return slices.Contains(Causes(), Cause(word)) },
		"Outcome":   func(word string) bool { return slices.Contains(Outcomes(), Outcome(word)) },
	}
	seen := map[string]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || len(spec.Values) == 0 {
			return true
		}
		kind, _ := spec.Type.(*ast.Ident)
		value, isText := spec.Values[0].(*ast.BasicLit)
		if kind == nil || !isText || lists[kind.Name] == nil {
			return true
		}
		seen[kind.Name]++
		if word, err := strconv.Unquote(value.Value); err != nil || !lists[kind.Name](word) {
			t.Errorf("%s %s is missing in its list", kind.Name, value.Value)
		}
		return true
	})
	for kind := range lists {
		if seen[kind] < 5 {
			t.Errorf("%d constants of type %s were found", seen[kind], kind)
		}
	}
}
