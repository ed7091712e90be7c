package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/logsink"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/gateway/admin"
)

const metricsPage = "../../deploy/docs/metrics.md"

// The table of metrics in deploy/docs/metrics.md is what the program registers: names, labels
// and words. go test ./cmd/cocart-gateway -run MetricsPage -update writes it anew.
func TestTheMetricsPageListsEveryMetric(t *testing.T) {
	text, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)(<!-- metrics -->\n).*?(<!-- /metrics -->)`)
	if !block.Match(text) {
		t.Fatal("deploy/docs/metrics.md has no place for the metrics")
	}
	want := block.ReplaceAllString(string(text), "${1}"+strings.ReplaceAll(metricsTable(t), "$", "$$")+"${2}")
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("deploy/docs/metrics.md lists other metrics than the program has; run the test with -update")
	}
}

// describer is a Registerer that remembers what it is given.
type describer struct {
	*prometheus.Registry
	descriptions []string
}

func (d *describer) Register(c prometheus.Collector) error {
	all := make(chan *prometheus.Desc, 100)
	c.Describe(all)
	close(all)
	for desc := range all {
		d.descriptions = append(d.descriptions, desc.String())
	}
	return d.Registry.Register(c)
}

// configOfAShop is for one shop in a list of several, so that its metrics have the label shop.
const configOfAShop = `
admin: {listen: "127.0.0.1:0"}
shops:
  - name: toys
    site: {url: "https://toys.example"}
    upstream: {url: "http://127.0.0.1:1", secret: "a shared secret of these tests, 32 bytes"}
    tokens: {keys: [` + firstKey + `]}
`

func metricsTable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(configOfAShop), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	client, closeStore, err := store.Open(cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore()
	d := &describer{Registry: prometheus.NewRegistry()}
	p := &program{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if err := p.build(client, d); err != nil {
		t.Fatal(err)
	}
	toys := prometheus.WrapRegistererWith(prometheus.Labels{shopLabel: "toys"}, d)
	if err := errors.Join(d.Register(buildOf().metric()), d.Register(logsink.New(io.Discard, 0, nil)), toys.Register(admin.NewDependencyMetrics())); err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`fqName: "([^"]*)", help: "((?:[^"\\]|\\.)*)", unit: "[^"]*", constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)
	rows := []string{}
	for _, text := range d.descriptions {
		m := parts.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("not understood: %s", text)
		}
		constant := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(m[3], "")
		labels := strings.FieldsFunc(constant+","+m[4], func(r rune) bool { return r == ',' })
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", m[1], strings.Join(labels, ", "), strings.ReplaceAll(m[2], `\"`, `"`)))
	}
	slices.Sort(rows)
	return "| metric | labels | what it says |\n|---|---|---|\n" + strings.Join(slices.Compact(rows), "\n") + "\n"
}
