package prometheus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

// A real Prometheus reads a running gateway, with the configuration and the alerts
// that an operator gets. Then everything that the dashboard asks has an answer, and
// no alert has anything to say.
func TestARealPrometheusWatchesARunningGateway(t *testing.T) {
	gateway := startGateway(t)
	p := startPrometheus(t, gateway.admin)
	p.awaitScrapes(1)
	for range 2 { // a rate needs a counter that is there already
		gateway.traffic()
		p.awaitScrapes(2)
	}

	t.Run("the target is up and its scrapes are clean", func(t *testing.T) { p.inspectTarget(t) })
	t.Run("promtool finds no fault with the metrics", func(t *testing.T) { gateway.lint(t) })
	t.Run("every rule can be evaluated and none fires", func(t *testing.T) { p.inspectRules(t) })
	for where, expr := range expressions(t) {
		if p.query(t, expr); strings.HasPrefix(where, "panel ") && !p.mayBeEmpty[where] {
			p.shows(t, where+" shows something: "+expr, expr)
		}
	}
	p.stop(t)
}

// One of several shops is chosen on the dashboard. Another one, without customers, shows that nothing of the first is in it.
func TestTheDashboardShowsTheChosenShop(t *testing.T) {
	gateway := startGatewayOfShops(t)
	p := startPrometheus(t, gateway.admin)
	p.awaitScrapes(1)
	for range 2 {
		gateway.traffic()
		p.awaitScrapes(2)
	}
	if shops := p.values(t, "shop"); !slices.Equal(shops, []string{"books", "toys"}) {
		t.Errorf("the label shop has the values %v", shops)
	}
	p.shop = "toys"
	for where, expr := range expressions(t) {
		if strings.HasPrefix(where, "panel ") && !p.mayBeEmpty[where] {
			p.shows(t, where+" shows something: "+expr, expr)
		}
	}
	const logins = `sum(cocart_gateway_logins_total{shop=~"$shop",result="accepted"})`
	for shop, want := range map[string]int{"toys": 2, "books": 0, "toys|books": 2} {
		if p.shop = shop; p.count(logins) != want {
			t.Errorf("%d logins at %s, want %d", p.count(logins), shop, want)
		}
	}
	p.stop(t)
}

// values lists the values of a label of the dependencies, as the variables of the dashboard do.
func (p *prometheus) values(t *testing.T, label string) (all []string) {
	t.Helper()
	p.get(t, "/api/v1/label/"+label+"/values", url.Values{"match[]": {"cocart_gateway_dependency_up"}}, &all)
	return all
}

// targets is what Prometheus says of whom it reads.
type targets struct {
	ActiveTargets []struct{ ScrapePool, Health, LastError string }
}

func (p *prometheus) inspectTarget(t *testing.T) {
	var last targets
	tokenstest.Eventually(t, "the gateway is the only target, and up", func() bool { // a second may be too short on a busy machine, now and then
		var now targets
		p.get(t, "/api/v1/targets", nil, &now)
		if !reflect.DeepEqual(now, last) {
			t.Logf("targets: %+v", now)
			last = now
		}
		return len(now.ActiveTargets) == 1 && now.ActiveTargets[0] == (struct{ ScrapePool, Health, LastError string }{"cocart-gateway", "up", ""})
	})
	for _, name := range slices.Sorted(maps.Keys(documented(t))) {
		if name == "cocart_gateway_dry_run_total" || name == "cocart_gateway_tls_certificate_expiry_timestamp_seconds" || name == "cocart_gateway_tls_certificate_missing" {
			continue // it is not in this mode, has no certificate, and asks for none
		}
		p.shows(t, name+" has a series before anything happens to it", fmt.Sprintf(`{__name__=~"%s(_count)?"}`, name))
	}
}

func (p *prometheus) inspectRules(t *testing.T) {
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	p.get(t, "/api/v1/rules", nil, &answer)
	seen := 0
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			seen++
			if r.Health != "ok" || r.LastError != "" || r.State == "firing" { // pending is what a slow machine may be
				t.Errorf("%s: health %s, state %s, %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	if want := len(alerts(t)); seen != want {
		t.Errorf("Prometheus has %d rules, not %d", seen, want)
	}
}

// sample is one series of an answer, numbers only.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// query evaluates one expression of Grafana's; what is not a number is left out.
func (p *prometheus) query(t *testing.T, expr string) []sample {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$shop", cmp.Or(p.shop, ".*")).Replace(expr)
	var answer struct{ Result []sample }
	p.get(t, "/api/v1/query", url.Values{"query": {expr}}, &answer)
	return slices.DeleteFunc(answer.Result, func(s sample) bool { return s.Value[1] == "NaN" })
}

// shows waits until an expression has an answer: after a scrape that failed nothing has one.
func (p *prometheus) shows(t *testing.T, what, expr string) {
	t.Helper()
	tokenstest.Eventually(t, what, func() bool { return len(p.query(t, expr)) > 0 })
}

// get fails the test on every error and every warning.
func (p *prometheus) get(t *testing.T, path string, query url.Values, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := struct {
		Status          string
		Data            any
		Error           string
		Warnings, Infos []string
	}{Data: into}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status != "success" || len(answer.Warnings)+len(answer.Infos) > 0 {
		t.Fatalf("%s %s: %v %s", path, query.Get("query"), err, text)
	}
}

// awaitScrapes waits until Prometheus has read the gateway n times more, and the
// rules have been evaluated.
func (p *prometheus) awaitScrapes(n int) {
	p.t.Helper()
	const scrapes = `count_over_time(up{job="cocart-gateway"}[1h])`
	late, cancel := context.WithTimeout(p.t.Context(), 3*time.Minute)
	defer cancel()
	had := p.count(scrapes)
	for p.count(scrapes) < had+n {
		select {
		case <-late.Done():
			p.t.Fatalf("Prometheus does not read the gateway: %s", p.log.String())
		case <-p.over:
			p.t.Fatalf("Prometheus ended: %s", p.log.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *prometheus) count(expr string) (n int) {
	p.t.Helper()
	for _, s := range p.query(p.t, expr) {
		_, _ = fmt.Sscan(fmt.Sprint(s.Value[1]), &n) // a count is a number
	}
	return n
}
