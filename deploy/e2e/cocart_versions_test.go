package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// cocartVersions are those between which CoCart changed how it finds out who
// asks; 5.0 is the line that is being developed.
var cocartVersions = []string{"3.0", "3.12", "4.1", "4.3", "4.4", "4.8", "4.9.7", "5.0"}

// versions runs a test on each of them, with one gateway.
func versions(t *testing.T, more string, test func(t *testing.T, g *gateway, version string)) {
	t.Helper()
	afterwards(t)
	g := startGateway(t, "embedded", more)
	for _, version := range cocartVersions {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) { c.CoCart = version })
			test(t, g, version)
		})
	}
}

// insight is what CoCart knew of a request, step by step.
type insight struct {
	Early      int     `json:"user_at_rest_api_init"`
	Permission *int    `json:"user_at_permission_check"`
	User       int     `json:"user_id"`
	Cart       *string `json:"cart_key"`
	SavedCart  *int    `json:"saved_cart_of"`
	// Authentication is what rest_authentication_errors came to.
	Authentication any
}

// String is "user at rest_api_init, at the permission check, in the route; owner
// of the cart; result of rest_authentication_errors".
func (i insight) String() string {
	permission := "-"
	if i.Permission != nil {
		permission = fmt.Sprint(*i.Permission)
	}
	return fmt.Sprintf("user %d %s %d, cart %s, authentication %v", i.Early, permission, i.User, i.owner(), i.Authentication)
}

func (i insight) owner() string {
	switch {
	case i.Cart == nil:
		return "none"
	case len(*i.Cart) >= 30:
		return "guest"
	}
	return *i.Cart
}

// seen is the insight of an answer, or its refusal.
func seen(t *testing.T, r reply) string {
	t.Helper()
	body := r.Body
	var batch struct {
		Responses []struct{ Body json.RawMessage }
	}
	if r.Status == http.StatusMultiStatus && json.Unmarshal([]byte(body), &batch) == nil && len(batch.Responses) == 1 {
		body, r.Status = string(batch.Responses[0].Body), http.StatusOK
	}
	var i insight
	if err := json.Unmarshal([]byte(body), &i); r.Status != http.StatusOK || err != nil {
		return strings.TrimSpace(fmt.Sprint(r.Status, " ", codeOf(r.Body)))
	}
	return i.String()
}

func basicHeader(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}
