package chaos

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"cocart-gateway/upstream/upstreamtest"
)

// full says that all rows run, with long faults.
var full = os.Getenv("CHAOS") == "full"

// lateAfter is how long after the answer to a logout another gateway may still accept the token. With make test other
// tests keep the machine busy.
var lateAfter = map[bool]time.Duration{true: 300 * time.Millisecond, false: 2 * time.Second}[full]

// row is a line of the campaign.
type row struct {
	id, what string
	short    bool // runs in the short form, too
	set      func(w *world)
	fault    func(w *world) (heal func())
	lasts    time.Duration // of the full form; the short form has a quarter of it
	goal     goal
	known    string // a defect that is known: what it is; then the short form reports it, and does not fail
}

// goal are the largest figures that a row may have. Wrongly refused carts, other customers' carts and ended tokens that
// are accepted are never allowed.
type goal struct {
	loggedOut bool // customers may be logged out: their sessions are gone
	late      bool // ended tokens may be accepted while the fault lasts: documented
	failed    int  // 5xx other than 503, and broken connections
}

// result is what a row found.
type result struct {
	row           row
	tally         *tally
	before, after usage
	misses        []string
}

func TestCampaign(t *testing.T) {
	var mu sync.Mutex
	found := map[string]result{}
	t.Run("rows", func(t *testing.T) {
		for _, r := range allRows() {
			if !full && !r.short {
				continue
			}
			t.Run(r.id, func(t *testing.T) {
				if !full {
					t.Parallel()
				}
				one := r.run(t)
				mu.Lock()
				defer mu.Unlock()
				found[r.id] = one
				one.judge(t)
			})
		}
	})
	var results []result
	for _, r := range allRows() {
		if one, ok := found[r.id]; ok {
			results = append(results, one)
		}
	}
	fmt.Fprintln(os.Stderr, table(results))
	if full {
		document(t, results)
	}
}

// judge reports what a row missed. A row with a known defect fails the full form only.
func (r result) judge(t *testing.T) {
	fmt.Fprintf(os.Stderr, "%s %s: %s\n", r.row.id, r.row.what, r.verdict())
	report := t.Errorf
	if r.row.known != "" && !full {
		report = t.Logf
	}
	for _, miss := range r.misses {
		report("%s (%s): %s\n%s", r.row.id, r.row.what, miss, r.tally.story())
	}
}

func (r result) verdict() string {
	switch {
	case len(r.misses) == 0:
		return "met"
	case r.row.known != "":
		return "MISSED: " + strings.Join(r.misses, ", ") + " (known: " + r.row.known + ")"
	}
	return "MISSED: " + strings.Join(r.misses, ", ")
}

func (r row) run(t *testing.T) result {
	w := &world{t: t, tally: &tally{}, ended: &endedSessions{}}
	w.wordpress = upstreamtest.Start(t)
	w.wordpress.Lock()
	w.wordpress.Forgets, w.wordpress.Users = true, users(shoppers())
	w.wordpress.Unlock()
	r.set(w)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var crowd []*shopper
	for i := range shoppers() {
		s := w.shopper(i + 2)
		crowd = append(crowd, s)
		all.Go(func() { s.shop(ctx) })
	}
	all.Go(func() { w.check(ctx) })
	time.Sleep(lasting(4 * time.Second))
	found := result{row: r, tally: w.tally, before: w.used()}
	heal := r.fault(w)
	time.Sleep(lasting(r.lasts))
	heal()
	w.tally.count(func(c *tally) { c.healed = time.Now() })
	time.Sleep(lasting(8 * time.Second))
	cancel()
	all.Wait()
	found.after = w.used()
	w.audit(crowd)
	found.misses = r.goal.missed(w.tally)
	return found
}

func shoppers() int {
	if full {
		return 40
	}
	return 20
}

func lasting(d time.Duration) time.Duration {
	if full {
		return d
	}
	return d / 4
}

// audit asks every session and every ended token once more, at every gateway.
func (w *world) audit(crowd []*shopper) {
	for _, g := range w.gateways {
		if g.process == nil {
			continue
		}
		for _, s := range crowd {
			s.client.CloseIdleConnections()
			if s.access == "" {
				continue
			}
			w.front = g.public
			s.read()
			if s.renewal != "" {
				s.renew()
			}
		}
		auditor := w.shopper(91_000)
		for _, e := range w.ended.copy() {
			auditor.present(g.public, e, true)
			auditor.exchange(g.public, e)
		}
	}
	w.front = ""
}

func (g goal) missed(c *tally) (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	miss := func(bad bool, text string, n int) {
		if bad {
			all = append(all, fmt.Sprintf("%d %s", n, text))
		}
	}
	miss(c.refused > 0 && !g.loggedOut, "carts wrongly refused", c.refused)
	miss(c.accepted > 0 && !g.late, "ended tokens accepted", c.accepted)
	miss(c.loggedOut > 0 && !g.loggedOut, "customers logged out", c.loggedOut)
	miss(c.failed > g.failed, "failed requests", c.failed)
	miss(c.wrongCart > 0, "carts of other customers", c.wrongCart)
	miss(c.requests == 0 || c.checks == 0, "requests: nothing was tried", c.requests)
	return all
}

// table has the columns in which the campaigns before were reported.
func table(results []result) string {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\twhat\trequests\twrongly refused\twrongly accepted\tlogged out\t503\tfailed\tback after\tbefore\tafter\tgoal")
	for _, r := range results {
		c := r.tally
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", r.row.id, r.row.what, c.requests, c.refused, c.acceptances(),
			c.loggedOut, c.unavailable, c.failed, c.recovery().Round(10*time.Millisecond), r.before, r.after, r.verdict())
	}
	_ = t.Flush() // a Builder takes everything
	return text.String()
}

// acceptances says how many ended tokens were accepted, of how many, and when.
func (c *tally) acceptances() string {
	text := fmt.Sprintf("%d of %d", c.accepted, c.checks)
	if c.accepted > 0 {
		text += fmt.Sprintf(" (up to %s after the end; %d when all was over)", c.latest.Round(10*time.Millisecond), c.audited)
	}
	return text
}

// document writes the table into its page.
func document(t *testing.T, results []result) {
	t.Helper()
	const page, begins, ends = "../docs/faults.md", "<!-- make chaos -->\n", "<!-- /make chaos -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begins)
	_, after, closed := strings.Cut(rest, ends)
	if !found || !closed {
		t.Fatalf("%s has no %s", page, begins)
	}
	var rows strings.Builder
	fmt.Fprintf(&rows, "%s:\n\n| row | what | requests | wrongly refused | wrongly accepted | logged out | 503 | failed | back after | before | after | goal |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n", time.Now().UTC().Format(time.DateOnly))
	for _, r := range results {
		c := r.tally
		fmt.Fprintf(&rows, "| %s | %s | %d | %d | %s | %d | %d | %d | %s | %s | %s | %s |\n", r.row.id, r.row.what, c.requests, c.refused, c.acceptances(),
			c.loggedOut, c.unavailable, c.failed, c.recovery().Round(10*time.Millisecond), r.before, r.after, r.verdict())
	}
	if err := os.WriteFile(page, []byte(before+begins+rows.String()+ends+after), 0o644); err != nil { //nolint:gosec // a document
		t.Fatal(err)
	}
}
