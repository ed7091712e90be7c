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

// links are those of a page to files, without what stands behind #.
var links = regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`)

// What an operator installed holds all pages, and what they lead to.
func TestEveryPageLeadsSomewhere(t *testing.T) {
	archive, deb := t.TempDir(), t.TempDir()
	said(t, "tar", "-xzf", archiveFile(), "-C", archive, "--strip-components=1")
	said(t, "dpkg-deb", "--extract", released("deb"), deb)
	installed := filepath.Join(deb, "usr/share/doc/cocart-gateway")
	for where, from := range map[string]string{"archive": archive, "deb": installed} {
		pages := 0
		for _, file := range filesBelow(t, from) {
			if filepath.Ext(file) != ".md" {
				continue
			}
			pages++
			text, err := os.ReadFile(filepath.Join(from, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, link := range links.FindAllStringSubmatch(string(text), -1) {
				to := filepath.Join(from, filepath.Dir(file), link[1])
				if strings.HasPrefix(link[1], "testdata/") { // for who has the source
					continue
				}
				if where == "deb" && filepath.Base(to) == "LICENSE" {
					to = filepath.Join(from, "copyright") // as Debian calls it
				}
				if _, err := os.Lstat(to); err != nil {
					t.Errorf("%s: %s leads to %s, which is not there", where, file, link[1])
				}
			}
		}
		if pages < 10 {
			t.Errorf("%s: only %d pages", where, pages)
		}
	}
	if one, other := strings.Join(filesBelow(t, archive), "\n"), strings.Join(filesBelow(t, installed), "\n"); one != other {
		t.Errorf("the archive has\n%s\nand the package\n%s", one, other)
	}
}

// filesBelow leaves out the program and Debian's changelog, and gives the licence one name.
func filesBelow(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, dir+"/"); err == nil && !d.IsDir() && name != "cocart-gateway" && name != "changelog.gz" {
			all = append(all, strings.TrimSuffix(strings.Replace(name, "copyright", "LICENSE", 1), ".gz"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
