package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const promtool = "/usr/bin/promtool"

// tool runs promtool, which is not to be missing.
func tool(t *testing.T, args ...string) (output string, ok bool) {
	t.Helper()
	if _, err := os.Stat(promtool); err != nil {
		t.Fatalf("%s is missing; deploy/demo/install.sh prometheus installs it", promtool)
	}
	out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
	return string(out), err == nil
}

type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	read(t, "alerts.yaml", &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 30 {
		t.Fatalf("only %d alerts", len(all))
	}
	return all
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestTheFilesAreWhatPrometheusReads(t *testing.T) {
	for _, args := range [][]string{{"check", "config", "prometheus.yaml"}, {"check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml"}} {
		if out, ok := tool(t, args...); !ok {
			t.Errorf("promtool %s: %s", strings.Join(args, " "), out)
		}
	}
}

// Each file holds recorded series, and which alerts fire over them at what time; no
// other may.
func TestAlertsFireWhenTheyShouldAndElseAreSilent(t *testing.T) {
	for _, file := range ruleTests(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			if out, ok := tool(t, "test", "rules", file); !ok {
				t.Error(out)
			}
		})
	}
}

func ruleTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files of tests, %v", len(files), err)
	}
	return files
}

func TestEveryAlertIsSeenFiringAndSilent(t *testing.T) {
	fired := map[string]bool{}
	for _, file := range ruleTests(t) {
		var f struct {
			Tests []struct {
				Name  string
				Tests []struct {
					Expr    string
					Samples []struct{ Labels string } `yaml:"exp_samples"`
				} `yaml:"promql_expr_test"`
			}
		}
		read(t, file, &f)
		for _, test := range f.Tests {
			silent := false
			for _, c := range test.Tests {
				if c.Expr != `ALERTS{alertstate="firing"}` {
					t.Errorf("%s: %s looks at %s, so that other alerts may fire unseen", file, test.Name, c.Expr)
				}
				silent = silent || len(c.Samples) == 0
				for _, s := range c.Samples {
					fired[regexp.MustCompile(`alertname="(\w+)"`).FindStringSubmatch(s.Labels)[1]] = true
				}
			}
			if !silent {
				t.Errorf("%s: in %q something fires all the time", file, test.Name)
			}
		}
	}
	for _, a := range alerts(t) {
		if !fired[a.Alert] {
			t.Errorf("no test makes %s fire", a.Alert)
		}
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := anchorsOf(string(runbook))
	for _, a := range alerts(t) {
		page, anchor, _ := strings.Cut(a.Annotations["runbook_url"], "#")
		if page != "deploy/docs/runbook.md" || !anchors[anchor] {
			t.Errorf("%s: runbook.md has no section %s", a.Alert, anchor)
		}
		if !slices.Contains([]string{"critical", "warning"}, a.Labels["severity"]) || a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s lacks a severity, a summary or a description", a.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(string(runbook), -1) {
		if !anchors[m[1]] {
			t.Errorf("runbook.md refers to its section %s, which is not there", m[1])
		}
	}
}

// anchorsOf are the names under which a page's headings are reached.
func anchorsOf(page string) map[string]bool {
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^##+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors[strings.ReplaceAll(name, " ", "-")] = true
	}
	return anchors
}
