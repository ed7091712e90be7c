package storefront

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata/reports.jsonl
var reports string

// report is a problem that shops and apps had with proxies, caches or gateways:
// which requests of the list, or which tests elsewhere, hold it.
type report struct {
	ID, About, Right string
	Tests            []string // "folder TestName"
	Requests         []string // names of the list
}

// Each report has a test with the right value, and none of them gets lost.
func TestEachReportHasATest(t *testing.T) {
	named := map[string]bool{}
	for _, r := range requests(staff{}) {
		named[r.name] = true
	}
	seen := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(reports)); lines.Scan(); {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.ID == "" || r.About == "" || r.Right == "" || seen[r.ID] {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		seen[r.ID] = true
		if len(r.Tests)+len(r.Requests) == 0 {
			t.Errorf("%s has no test", r.ID)
		}
		for _, test := range r.Tests {
			folder, name, _ := strings.Cut(test, " ")
			if !holdsTest(t, filepath.Join("../..", folder), name) {
				t.Errorf("%s: there is no %s in %s", r.ID, name, folder)
			}
		}
		for _, request := range r.Requests {
			if !named[request] {
				t.Errorf("%s: no request is called %q", r.ID, request)
			}
		}
	}
}

func holdsTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
