package admin_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens/attempts"
)

// fakeLockouts are counters in memory; package attempts tests the real ones.
type fakeLockouts struct {
	all []attempts.Lockout
	err error
}

func (f *fakeLockouts) Lockouts(context.Context) ([]attempts.Lockout, error) {
	return slices.Clone(f.all), f.err
}

func (f *fakeLockouts) remove(subject string) error {
	f.all = slices.DeleteFunc(f.all, func(l attempts.Lockout) bool { return subject == "" || l.Subject == subject })
	return f.err
}

func (f *fakeLockouts) ClearUser(_ context.Context, user int64) error {
	return f.remove(map[int64]string{17: "user:17"}[user] + map[bool]string{true: "unknown"}[user != 17])
}

func (f *fakeLockouts) ClearAddress(context.Context, netip.Addr) error { return f.remove("hash") }

func (f *fakeLockouts) ClearAll(context.Context) error { return f.remove("") }

func TestOperatorsSeeAndClearLockouts(t *testing.T) {
	s := openShop(t)
	locked := &fakeLockouts{all: []attempts.Lockout{{Counter: "account", Subject: "user:17"}, {Counter: "address", Subject: "hash"}, {Counter: "overall"}}}
	a := s.listener(admin.Config{Token: adminToken, Lockouts: locked})
	const times = `,"until":"0001-01-01T00:00:00Z","reset":"0001-01-01T00:00:00Z"}`
	for _, row := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"DELETE", "/lockouts", 400, ""},
		{"DELETE", "/lockouts?all=true&user_id=17", 400, ""},
		{"DELETE", "/lockouts?user=0", 400, ""},
		{"DELETE", "/lockouts?user=dave", 404, ""},
		{"DELETE", "/lockouts?user=alice", 200, `{"cleared":[]}`},
		{"DELETE", "/lockouts?address=shop.example", 400, ""},
		{"GET", "/lockouts?user_id=17", 400, ""},
		{"DELETE", "/lockouts?user_id=18", 200, `{"cleared":[]}`},
		{"DELETE", "/lockouts?user_id=17", 200, `{"cleared":[{"counter":"account","whose":"user:17"` + times + `]}`},
		{"GET", "/lockouts", 200, `{"lockouts":[{"counter":"address","whose":"hash"` + times + `,{"counter":"overall"` + times + `]}`},
		{"DELETE", "/lockouts?address=192.0.2.1", 200, `{"cleared":[{"counter":"address","whose":"hash"` + times + `]}`},
		{"DELETE", "/lockouts?all=true", 200, `{"cleared":[{"counter":"overall"` + times + `]}`},
	} {
		if r := s.administer(a, row.method, row.target, ""); r.Status != row.status || row.body != "" && r.Body != row.body {
			t.Errorf("%s %s: %d %s", row.method, row.target, r.Status, r.Body)
		}
	}
	locked.err = errors.New("redis: connection refused")
	if r := s.administer(a, "GET", "/lockouts", ""); r.Status != 503 {
		t.Errorf("without Redis: %d %s", r.Status, r.Body)
	}
	if r := s.administer(s.listener(admin.Config{Lockouts: locked}), "GET", "/lockouts", ""); r.Status != 404 {
		t.Errorf("without a token in the configuration: %d", r.Status)
	}
}
