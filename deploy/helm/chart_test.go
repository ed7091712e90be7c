package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	chart = "cocart-gateway"
	tools = "../../.tools"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if s, err := made(); err == nil {
		_ = os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// run returns what a program of .tools prints.
func run(t *testing.T, in string, name string, args ...string) (string, error) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(tools, name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(in)
	home := t.TempDir() // no settings of this user
	cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v (make tools builds it)", err)
	}
	return string(out), err
}

// template renders the chart as the release shop with the values of a file.
func template(t *testing.T, values string, more ...string) string {
	t.Helper()
	text, err := run(t, "", "helm", append([]string{"template", "shop", chart, "--namespace", "shops", "--values", values,
		"--api-versions", "monitoring.coreos.com/v1"}, more...)...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", values, err, text)
	}
	return text
}

// valuesFiles lists the files in a folder of testdata.
func valuesFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", folder, files, err)
	}
	return files
}

func TestHelmFindsNothingWrongWithTheChart(t *testing.T) {
	for _, values := range valuesFiles(t, "values") {
		if text, err := run(t, "", "helm", "lint", "--strict", chart, "--values", values); err != nil {
			t.Errorf("%s: %v\n%s", values, err, text)
		}
	}
}

// The names and types of every field are those of the Kubernetes API, the Gateway API and the Prometheus Operator.
func TestEveryObjectHasTheFormOfItsKind(t *testing.T) {
	location, kinds := schemasOf(t).location(), map[string]bool{}
	for _, values := range valuesFiles(t, "values") {
		rendered := template(t, values)
		if text, err := run(t, rendered, "kubeconform", "-strict", "-summary", "-schema-location", location); err != nil {
			t.Errorf("%s: %v\n%s", values, err, text)
		}
		for _, o := range objectsOf(t, rendered) {
			kinds[o["kind"].(string)] = true
		}
	}
	want := []string{"ConfigMap", "Deployment", "HTTPRoute", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "Pod", "PodDisruptionBudget",
		"Service", "ServiceAccount", "ServiceMonitor"}
	if got := slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, want) {
		t.Errorf("checked %v, want %v", got, want)
	}
}

// A misspelt field must not pass, or the test above would say nothing.
func TestAMisspeltFieldIsFound(t *testing.T) {
	location := schemasOf(t).location()
	rendered := template(t, "testdata/values/ingress.yaml")
	for from, to := range map[string]string{
		"readinessProbe:": "readynessProbe:", "readOnlyRootFilesystem:": "readonlyRootFilesystem:", "containerPort: 8081": "containerPort: eight",
		"ingressClassName:": "ingressClass:", "scrapeTimeout:": "timeout:", "averageUtilization:": "average:", "podSelector:": "pods:",
	} {
		text, err := run(t, strings.Replace(rendered, from, to, 1), "kubeconform", "-strict", "-schema-location", location)
		if err == nil {
			t.Errorf("%s for %s passes:\n%s", to, from, text)
		}
	}
}

// The first line of each file is what helm must say about the values below it.
func TestValuesThatCannotWorkAreRefused(t *testing.T) {
	for _, values := range valuesFiles(t, "bad") {
		text, err := os.ReadFile(values)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		want := strings.TrimPrefix(first, "# ")
		got, err := run(t, "", "helm", "template", "shop", chart, "--values", "testdata/values/least.yaml", "--values", values)
		if err == nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", values, err, got, want)
		}
	}
}

func TestNotesNameWhatIsMissing(t *testing.T) {
	for values, want := range map[string][]string{
		"least":       {"wordpress plugin", "helm -n shops test shop"},
		"shops":       {"wordpress config --shop toys\n", "wordpress config --shop books\n"},
		"tls":         {"at https://shop-cocart-gateway.shops:443\n"},
		"gateway-api": {"config.trusted_proxies is empty", "with one gateway", "networkPolicy.monitoring is empty"},
	} {
		got, err := run(t, "", "helm", "install", "shop", chart, "--namespace", "shops", "--dry-run=client", "--values", "testdata/values/"+values+".yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s: no %q in\n%s", values, text, got)
			}
		}
		if values == "least" && strings.Contains(got, "WARNING") {
			t.Errorf("a warning without a reason:\n%s", got)
		}
	}
}

// Every value is explained, and the schema knows it.
func TestEveryValueIsInTheSchema(t *testing.T) {
	text, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values object
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile(chart + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct{ Properties map[string]any }
	if err := yaml.Unmarshal(schema, &known); err != nil {
		t.Fatal(err)
	}
	delete(known.Properties, "global") // helm adds it for subcharts
	if got, want := slices.Sorted(maps.Keys(known.Properties)), slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) {
		t.Errorf("the schema has %v\nvalues.yaml has %v", got, want)
	}
}

// The chart installs the version that it is released with.
func TestChartHasTheVersionOfTheChangelog(t *testing.T) {
	changes, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	about, err := os.ReadFile(chart + "/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## (\S+) `).FindSubmatch(changes)
	for _, key := range []string{"version", "appVersion"} {
		if line := fmt.Sprintf("\n%s: %s\n", key, newest[1]); !strings.Contains(string(about), line) {
			t.Errorf("Chart.yaml has no line %q", strings.TrimSpace(line))
		}
	}
}

// objectsOf reads the documents of a rendered chart.
func objectsOf(t *testing.T, rendered string) (all []object) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader([]byte(rendered)))
	for {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			all = append(all, o)
		}
	}
}
