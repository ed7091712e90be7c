package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs are the pages whose rows are held by tests, and how many they name at
// least.
var docs = map[string]int{"tokens/TOKENS.md": 30, "gateway/ATTACKS.md": 12, "deploy/wordpress/COMPATIBILITY.md": 35}

// A row of these pages that names a test nobody wrote promises nothing.
func TestTheTestsThatTheDocsNameExist(t *testing.T) {
	written := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(source, -1) {
			written[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, least := range docs {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1)
		if len(named) < least {
			t.Errorf("%s names only %d tests", page, len(named))
		}
		for _, m := range named {
			if !written[string(m[1])] {
				t.Errorf("%s names %s, which is no test", page, m[1])
			}
		}
	}
}

// Each attack has its row, and each row its attack.
func TestTheAttacksThatTheDocsNameExist(t *testing.T) {
	text, err := os.ReadFile("../../gateway/ATTACKS.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z0-9-]+[.]http)`").FindAllSubmatch(text, -1) {
		named[string(m[1])] = true
	}
	files, err := filepath.Glob("../../gateway/testdata/attacks/*.http")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := filepath.Base(file); !named[name] {
			t.Errorf("ATTACKS.md does not name %s", name)
		}
		delete(named, filepath.Base(file))
	}
	for name := range named {
		t.Errorf("ATTACKS.md names %s, which is no attack", name)
	}
}
