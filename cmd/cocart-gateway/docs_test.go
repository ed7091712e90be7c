package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// A reader who follows a link finds the file, and the section if the link names one.
func TestEveryLinkOfTheDocsLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^()\s:#]*)(#[^()\s]+)?\)`)
	pages := documents(t)
	for page, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: the link %s leads to no file", page, m[0])
			} else if section := strings.TrimPrefix(m[2], "#"); section != "" && !slices.Contains(sectionsOf(pages[target]), section) {
				t.Errorf("%s: %s has no section %q", page, target, section)
			}
		}
	}
	if len(pages) < 20 {
		t.Errorf("only %d pages", len(pages))
	}
}

// documents returns the Markdown pages of the repository, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && strings.Trim(d.Name(), ".") != "" {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		pages[strings.TrimPrefix(path, "../../")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// sectionsOf returns the anchors of the headings of a page, as repository hosts make them.
func sectionsOf(page string) (anchors []string) {
	code := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(name, " ", "-"))
	}
	return anchors
}

// A newcomer reads the README to its end.
func TestTheReadmeIsShort(t *testing.T) {
	if lines := strings.Count(documents(t)["README.md"], "\n"); lines == 0 || lines > 180 {
		t.Errorf("the README has %d lines", lines)
	}
}

// A newcomer finds each package on the map.
func TestContributingMapsEveryPackage(t *testing.T) {
	_, table, _ := strings.Cut(documents(t)["CONTRIBUTING.md"], "<!-- packages -->")
	table, _, _ = strings.Cut(table, "<!-- /packages -->")
	mapped := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:cmd|gateway|tokens|upstream)[a-z0-9/-]*)`").FindAllStringSubmatch(table, -1) {
		mapped[m[1]] = true
	}
	for _, dir := range []string{"cmd", "gateway", "tokens", "upstream"} {
		err := filepath.WalkDir("../../"+dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/testdata/") {
				return err
			}
			if name := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../")); !mapped[name] {
				mapped[name] = true
				t.Errorf("CONTRIBUTING.md does not say what is in %s", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range mapped {
		if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
			t.Errorf("CONTRIBUTING.md names %s, which is not there", name)
		}
	}
}
