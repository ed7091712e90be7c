package admin_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/gateway/openapitest"
	"cocart-gateway/gateway/respond"
)

// everything has all routes that a configuration can add.
func (s *shop) everything() *admin.Handler {
	reload := func() (admin.Reloaded, []string) {
		return admin.Reloaded{Changed: []string{"site.guests"}, RestartNeeded: []string{}}, nil
	}
	return s.listener(admin.Config{Token: adminToken, OAuth: true, Lockouts: &fakeLockouts{}, History: history.New(s.registry),
		Doctor:        func(context.Context) any { return map[string]any{"ok": true, "checks": []string{}} },
		Configuration: admin.Configuration{Show: func() ([]byte, error) { return []byte("listen: :80\n"), nil }, Changes: reload, Reload: reload}})
}

// The other tests of this package compare each answer with the document.
func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	routes := openShop(t).everything().Patterns()
	slices.Sort(routes)
	if described := openapitest.Open(t, described).Operations(); !slices.Equal(routes, described) {
		t.Errorf("served:\n%s\ndescribed:\n%s", strings.Join(routes, "\n"), strings.Join(described, "\n"))
	}
}

func TestTheDocumentHasTheCodesOfTheAdminListener(t *testing.T) {
	codes := openapitest.Open(t, described).Codes()
	want := []string{string(respond.AdminToken), string(respond.AdminLimited), string(respond.NoSuchSession), string(respond.NoSuchUser),
		string(respond.AmbiguousUser), string(respond.FingerprintNeeded), string(respond.ConfigurationRefused), string(respond.BadRequest),
		string(respond.BodyTooLarge), string(respond.StoreUnavailable), string(respond.UnknownHost), string(respond.Internal),
		string(respond.UpstreamUnusable), string(respond.UpstreamUnavailable), string(respond.UpstreamTimeout)}
	slices.Sort(want)
	if !slices.Equal(codes, want) {
		t.Errorf("the document has %q\nwant %q", codes, want)
	}
}

// OAuth's routes are exceptions: RFC 7009 section 2.1 and RFC 7662 section 2.1 let a client send more.
func TestEveryRouteOfTheAPIRefusesUnknownParameters(t *testing.T) {
	s := openShop(t)
	a := s.everything()
	for _, pattern := range a.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.ReplaceAll(path, "{id}", "AZas9kgAQTGtGQ4nT5nEWw")
		if strings.HasPrefix(path, "/oauth/") || slices.Contains([]string{"/metrics", "/healthz", "/servez", "/readyz"}, path) {
			continue
		}
		for _, query := range []string{"?al=true", "?user_id=2&al=true", "?%5B%5D=1"} {
			if r := s.administer(a, method, path+query, ""); r.Status != http.StatusBadRequest || !strings.Contains(r.Body, "There is no parameter") {
				t.Errorf("%s %s: %d %s", method, path+query, r.Status, r.Body)
			}
		}
	}
}

func TestEveryRouteAnswersAsTheDocumentSays(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	pair := s.login()
	a := s.everything()
	id := sessionsIn(t, s.administer(a, "GET", "/sessions", ""))[0].ID
	form, body := "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json"
	for _, row := range []struct {
		status                            int
		method, target, text, contentType string
	}{
		{200, "GET", "/metrics", "", form}, {200, "GET", "/healthz", "", form}, {200, "GET", "/servez", "", form}, {200, "GET", "/readyz", "", form},
		{200, "GET", "/sessions?limit=1", "", form}, {200, "GET", "/sessions/" + id, "", form},
		{201, "POST", "/tokens", `{"user_id": 2}`, body}, {409, "POST", "/tokens", `{"user_id": 7}`, body}, {400, "POST", "/tokens", `{"user": 7}`, body},
		{200, "POST", "/tokens/inspect", `{"token": "` + pair.Access + `"}`, body}, {200, "POST", "/tokens/inspect", `{"token": "` + pair.Refresh + `"}`, body},
		{413, "POST", "/tokens/inspect", strings.Repeat(" ", 65<<10), body},
		{200, "GET", "/lockouts", "", form}, {200, "DELETE", "/lockouts?all=true", "", form},
		{200, "GET", "/status", "", form}, {200, "GET", "/shops", "", form}, {200, "GET", "/history", "", form}, {200, "POST", "/doctor", "", form},
		{200, "GET", "/config", "", form}, {200, "GET", "/config/changes", "", form}, {200, "POST", "/reload", "", form},
		{200, "POST", "/oauth/introspect", "token=" + pair.Access, form}, {200, "POST", "/oauth/introspect", "token=x", form},
		{200, "POST", "/oauth/revoke", "token=" + pair.Access, form},
		{200, "DELETE", "/sessions/" + id, "", form}, {200, "DELETE", "/sessions?user_id=2", "", form}, {200, "DELETE", "/sessions?all=true", "", form},
	} {
		if r := s.administer(a, row.method, row.target, row.text, row.contentType); r.Status != row.status {
			t.Errorf("%s %s: %d %.200s", row.method, row.target, r.Status, r.Body)
		}
	}
	seen := openapitest.Open(t, described).Seen()
	for _, operation := range openapitest.Open(t, described).Operations() {
		if !slices.ContainsFunc(seen, func(one string) bool { return strings.HasPrefix(one, operation+" 2") }) {
			t.Errorf("no test has a good answer of %s", operation)
		}
	}
}
