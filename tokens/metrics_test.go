package tokens_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

// measured is an authority whose metrics can be read.
func (w *world) measured(change func(*tokens.Config)) (*tokens.Authority, *prometheus.Registry) {
	w.Helper()
	cfg := tokens.Config{Issuer: tokenstest.Issuer, Keys: []keys.Key{tokenstest.Key(w, "k1")}, Now: w.clock.Now, VerifiedCache: 10}
	change(&cfg)
	reg := prometheus.NewPedanticRegistry()
	a, err := tokens.New(cfg, w.rdb, reg)
	w.must(err)
	return a, reg
}

// value is the sum of a metric over the series with the label value, "" = all.
func (w *world) value(reg *prometheus.Registry, name, label string) (sum float64) {
	w.Helper()
	families, err := reg.Gather()
	w.must(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "cocart_gateway_"+name && (label == "" || strings.Contains(m.String(), `"`+label+`"`)) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func TestEveryVerdictIsCounted(t *testing.T) {
	w := embedded(t)
	a, reg := w.measured(func(c *tokens.Config) { c.LostAnswer = tokens.UntilUsed })
	back := func() {}
	spentLongAgo := func() string {
		p := w.login(a, alice)
		w.refresh(a, w.refresh(a, p.Refresh).Refresh)
		w.clock.Advance(time.Minute)
		return p.Refresh
	}
	refusing, err := a.Next(tokens.Config{Issuer: tokenstest.Issuer, Keys: []keys.Key{tokenstest.Key(w, "k1")}, ReuseBySameClient: tokens.RefuseReuse})
	w.must(err)
	verdicts := []struct {
		want    tokens.Outcome
		refresh func() string
	}{
		{tokens.OutcomeRotated, func() string { return w.login(a, alice).Refresh }},
		{tokens.OutcomeConcurrent, func() string { p := w.login(a, alice); w.refresh(a, p.Refresh); return p.Refresh }},
		{tokens.OutcomeLostAnswer, func() string {
			p := w.login(a, alice)
			w.refresh(a, p.Refresh)
			w.clock.Advance(time.Minute)
			return p.Refresh
		}},
		{tokens.OutcomeAhead, func() string {
			p := w.login(a, alice)
			back = w.snapshot(p.Session)
			next := w.refresh(a, p.Refresh)
			back()
			return next.Refresh
		}},
		{tokens.OutcomeHeld, func() string {
			p := w.login(a, alice)
			for range 32 {
				p = w.refresh(a, p.Refresh)
			}
			return p.Refresh
		}},
		{tokens.OutcomeAdopted, func() string { return strings.Repeat("0", 128) }},
		{tokens.OutcomeHandedBack, func() string { return w.login(a, alice).Refresh }},
		{tokens.OutcomePassedOn, func() string { return strings.Repeat("1", 128) }},
		{tokens.OutcomeKept, func() string { return w.login(a, alice).Refresh }},
		{tokens.OutcomeSameClient, spentLongAgo}, {tokens.OutcomeSuperseded, spentLongAgo}, {tokens.OutcomeReuse, spentLongAgo},
		{tokens.OutcomeEnded, func() string {
			p := w.login(a, alice)
			w.must(a.EndSession(context.Background(), p.Session, tokens.CauseLogout))
			return p.Refresh
		}},
		{tokens.OutcomeExpired, func() string { p := w.login(a, alice); w.clock.Advance(720 * time.Hour); return p.Refresh }},
		{tokens.OutcomeUnknown, func() string {
			p := w.login(a, alice)
			w.must(w.rdb.FlushAll(context.Background()).Err())
			return p.Refresh
		}},
		{tokens.OutcomeRefused, func() string { return "x" }},
		{tokens.OutcomeUnavailable, func() string { p := w.login(a, alice); w.rdb.Close(); return p.Refresh }},
	}
	for _, row := range verdicts {
		token := row.refresh()
		before := w.value(reg, "refreshes_total", string(row.want))
		switch row.want {
		case tokens.OutcomeAdopted:
			migration.New(a, false).Refresh(context.Background(), token, phone, oldPlugin{})
		case tokens.OutcomeHandedBack:
			migration.New(a, true).Refresh(context.Background(), token, phone, oldPlugin{})
		case tokens.OutcomePassedOn:
			migration.New(a, true).Refresh(context.Background(), token, phone, oldPlugin{})
		case tokens.OutcomeKept:
			migration.New(a, true).Refresh(context.Background(), token, phone, oldPlugin{migration.ErrKeep})
		case tokens.OutcomeSuperseded:
			refusing.Refresh(context.Background(), token, phone)
		case tokens.OutcomeReuse:
			a.Refresh(context.Background(), token, thief)
		default:
			a.Refresh(context.Background(), token, phone)
		}
		if after := w.value(reg, "refreshes_total", string(row.want)); after != before+1 {
			t.Errorf("%s: counted %v before and %v after", row.want, before, after)
		}
	}
	if len(verdicts) != len(tokens.Outcomes()) {
		t.Errorf("%d of %d verdicts are tried", len(verdicts), len(tokens.Outcomes()))
	}
	for name, want := range map[string]float64{"reused": 1, "superseded": 1, "ended": 1, "expired": 1, "unknown": 1, "malformed": 1} {
		if got := w.value(reg, "token_rejections_total", name); got != want {
			t.Errorf("%v refresh rejections for %s, want %v", got, name, want)
		}
	}
}

func TestSessionsAndTheCacheAreCounted(t *testing.T) {
	w := embedded(t)
	a, reg := w.measured(func(c *tokens.Config) { c.MaxSessions = 1 })
	w.login(a, alice)
	pair := w.login(a, alice)
	for range 3 {
		w.accessIs(a, pair.Access, nil)
	}
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	w.must(a.EndSession(context.Background(), w.login(a, alice).Session, "because"))
	w.login(a, alice)
	w.must2(a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin))
	w.accessIs(a, pair.Access, tokens.Revoked)
	for _, row := range []struct {
		name, label string
		want        float64
	}{
		{"sessions_started_total", "", 4}, {"sessions_ended_total", "limit", 1}, {"sessions_ended_total", "admin", 1}, {"sessions_ended_total", "logout", 1}, {"sessions_ended_total", "other", 1},
		{"verified_token_cache_total", "miss", 1}, {"verified_token_cache_total", "hit", 3}, {"token_rejections_total", "revoked", 1},
		{"revocation_sessions", "", 3}, {"revocation_age_seconds", "", -1},
	} {
		if got := w.value(reg, row.name, row.label); got != row.want {
			t.Errorf("%s{%s} is %v, want %v", row.name, row.label, got, row.want)
		}
	}
	w.catchUp(a)
	w.clock.Advance(time.Minute)
	if got := w.value(reg, "revocation_age_seconds", ""); got != 60 {
		t.Errorf("the view is %v seconds old, want 60", got)
	}
	if w.value(reg, "redis_command_duration_seconds", "evalsha") == 0 {
		t.Error("no script call was measured")
	}
}

func TestMetricsAreLintCleanAndTheirSeriesAreFixed(t *testing.T) {
	w := embedded(t)
	a, reg := w.measured(func(*tokens.Config) {})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	counters := []string{"cocart_gateway_token_rejections_total", "cocart_gateway_refreshes_total", "cocart_gateway_sessions_ended_total"}
	before, err := testutil.GatherAndCount(reg, counters...)
	w.must(err)
	for _, token := range []string{"", "x", "a.b.c", forge(`{"alg":"x","typ":"JWT","kid":"y"}`, "{}"), w.login(a, alice).Access} {
		a.Verify(token)
		a.Refresh(context.Background(), token, phone)
	}
	after, err := testutil.GatherAndCount(reg, counters...)
	w.must(err)
	if want := 2*len(tokens.Rejections()) + len(tokens.Outcomes()) + len(tokens.Causes()); before != want || after != want {
		t.Errorf("%d series before and %d after, want %d", before, after, want)
	}
	if _, err := tokens.New(tokens.Config{Issuer: "i", Keys: []keys.Key{tokenstest.Key(t, "k1")}}, w.rdb, reg); err == nil {
		t.Error("two authorities share a registry")
	}
}

func TestReuseIsLoggedWithoutATokenInIt(t *testing.T) {
	w := embedded(t)
	var out bytes.Buffer
	a, _ := w.measured(func(c *tokens.Config) { c.Log = slog.New(slog.NewJSONHandler(&out, nil)) })
	first := w.login(a, alice)
	w.refresh(a, w.refresh(a, first.Refresh).Refresh)
	w.clock.Advance(time.Minute)
	w.refreshIs(a, first.Refresh, tokens.Reused)
	line := out.String()
	for _, want := range []string{`"level":"WARN"`, `"verdict":"reuse"`, `"session":"` + first.Session, `"user":2`, `"presented":1`} {
		if !strings.Contains(line, want) {
			t.Errorf("the log does not say %s: %s", want, line)
		}
	}
	if strings.Contains(line, first.Refresh[64:]) {
		t.Error("the log holds a token")
	}
}
