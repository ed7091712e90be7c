package prometheus

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = "../grafana/cocart-gateway.json"

// dashboard is what of Grafana's model these tests look at.
type dashboard struct {
	Inputs        []struct{ Name string } `json:"__inputs"`
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type, Definition, AllValue string
			Multi, IncludeAll                bool
			Datasource                       source
			Current                          struct{ Value any }
		}
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
	Panels []panel
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
}

func theDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 40 {
		t.Fatalf("only %d panels", len(d.Panels))
	}
	return d
}

// mayBeEmpty: in a shop where all is well there is nothing to see.
func (p panel) mayBeEmpty() bool { return strings.Contains(p.Description, "Empty unless") }

func TestTheDashboardIsOneThatGrafanaTakes(t *testing.T) {
	d := theDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 30 {
		t.Errorf("uid %q, title %q, schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
		t.Error("no variable for the data source, which is called differently everywhere")
	}
	if len(d.Inputs) != 1 || d.Inputs[0].Name != "DS_PROMETHEUS" || d.Templating.List[0].Current.Value != "${DS_PROMETHEUS}" {
		t.Errorf("the import does not ask for the data source: %+v", d.Inputs)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: another panel has its id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		occupy(t, p, taken)
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d lacks a title, a description or an expression", p.ID)
		}
		for _, target := range p.Targets {
			for _, s := range []source{p.Datasource, target.Datasource} {
				if s != (source{"prometheus", "${datasource}"}) {
					t.Errorf("%s asks %+v", p.Title, s)
				}
			}
			if !strings.Contains(target.Expr, `instance=~"$instance"`) {
				t.Errorf("%s shows gateways that were not chosen: %s", p.Title, target.Expr)
			}
		}
	}
}

func occupy(t *testing.T, p panel, taken map[[2]int]string) {
	t.Helper()
	for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
		for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
			if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
				t.Fatalf("%s lies on %q or beside the page", p.Title, other)
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

// expressions are those of dashboard and alerts, by where they stand.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	d := theDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all["panel "+p.Title+" "+target.RefID] = target.Expr
		}
	}
	for _, a := range d.Annotations.List {
		all["annotation "+a.Name] = a.Expr
	}
	for _, a := range alerts(t) {
		all["alert "+a.Alert] = a.Expr
	}
	return all
}

// The table in deploy/docs/metrics.md is what the program registers: a test there holds that.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(cocart_gateway_\\w+)` \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		metrics[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	if len(metrics) < 20 {
		t.Fatalf("only %d metrics in deploy/docs/metrics.md", len(metrics))
	}
	return metrics
}

var (
	metricName = regexp.MustCompile(`\bcocart_gateway_\w+`)
	suffix     = regexp.MustCompile(`_(bucket|count|sum)$`)
	matched    = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouped    = regexp.MustCompile(`\b(?:by|on|without) \(([^)]*)\)`)
)

func TestDashboardAndAlertsAskOnlyForWhatThereIs(t *testing.T) {
	metrics, used := documented(t), map[string]bool{}
	for where, expr := range expressions(t) {
		labels := []string{"job", "shop", "instance", "le"} // a gateway for a single shop can have a label shop in Prometheus
		for _, name := range metricName.FindAllString(expr, -1) {
			own, found := metrics[suffix.ReplaceAllString(name, "")]
			if !found {
				t.Errorf("%s asks for %s, which the gateway does not have", where, name)
			}
			used[suffix.ReplaceAllString(name, "")] = true
			labels = append(labels, own...)
		}
		for _, label := range labelsIn(expr) {
			if !slices.Contains(labels, label) {
				t.Errorf("%s goes by %s, a label that no metric there has", where, label)
			}
		}
	}
	for name := range metrics {
		if !used[name] {
			t.Errorf("nobody looks at %s", name)
		}
	}
}

// Where the gateways are for single shops no series has the label, and "All", which is .*, finds the series without it.
func TestTheDashboardCanShowEachOfSeveralShops(t *testing.T) {
	metrics, d := documented(t), theDashboard(t)
	chosen := d.Templating.List[len(d.Templating.List)-1]
	if chosen.Name != "shop" || chosen.Type != "query" || !strings.HasSuffix(chosen.Definition, ", shop)") || !chosen.Multi || !chosen.IncludeAll || chosen.AllValue != ".*" || chosen.Current.Value != "$__all" {
		t.Errorf("the variable for the shop: %+v", chosen)
	}
	if name := metricName.FindString(chosen.Definition); !slices.Contains(metrics[name], "shop") {
		t.Errorf("its values come from %s, which has no label shop", name)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, m := range regexp.MustCompile(`(cocart_gateway_\w+)(\{[^}]*\})?`).FindAllStringSubmatch(target.Expr, -1) {
				if has := strings.Contains(m[2], `shop=~"$shop"`); has != slices.Contains(metrics[suffix.ReplaceAllString(m[1], "")], "shop") {
					t.Errorf("%s: %s goes by the shop: %v, in %s", p.Title, m[1], has, target.Expr)
				}
			}
		}
	}
}

// A sum over the shops of a gateway is too small to notice that one of them fails, and does not say which.
func TestAlertsAreAboutOneShop(t *testing.T) {
	metrics := documented(t)
	for _, a := range alerts(t) {
		ofShop := slices.ContainsFunc(metricName.FindAllString(a.Expr, -1), func(name string) bool {
			return slices.Contains(metrics[suffix.ReplaceAllString(name, "")], "shop")
		})
		for _, m := range grouped.FindAllStringSubmatch(a.Expr, -1) {
			if ofShop && !regexp.MustCompile(`\bshop\b`).MatchString(m[1]) {
				t.Errorf("%s: %s leaves out the shop", a.Alert, m[0])
			}
		}
	}
}

func labelsIn(expr string) []string {
	var labels []string
	for _, m := range matched.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, m[1])
	}
	for _, m := range grouped.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	return labels
}

func TestLegendsNameLabelsThatAreThere(t *testing.T) {
	for _, p := range theDashboard(t).Panels {
		for _, target := range p.Targets {
			by := grouped.FindStringSubmatch(target.Expr)
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				if by != nil && !slices.Contains(strings.FieldsFunc(by[1], func(r rune) bool { return r == ',' || r == ' ' }), m[1]) {
					t.Errorf("%s: the legend names %s, which is summed away", p.Title, m[1])
				}
			}
		}
	}
}
