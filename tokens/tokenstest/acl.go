package tokenstest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// ACLRule returns the words after "ACL SETUSER gateway on" of the rule in deploy/docs/redis.md, which operators copy.
func ACLRule(t testing.TB) []any {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "../../deploy/docs/redis.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rule, found := strings.Cut(string(text), "\nACL SETUSER gateway on ")
	if !found {
		t.Fatal("deploy/docs/redis.md shows no ACL rule")
	}
	rule, _, _ = strings.Cut(rule, "\n")
	var words []any
	for _, word := range strings.Fields(rule) {
		words = append(words, word)
	}
	return words
}
