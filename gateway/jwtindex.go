package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/gateway/respond"
)

// The index of a REST namespace as WP_REST_Server::get_namespace_index writes it.
type (
	namespaceIndex struct {
		Namespace string                `json:"namespace"`
		Routes    map[string]indexRoute `json:"routes"`
		Links     map[string][]link     `json:"_links"`
	}
	indexRoute struct {
		Namespace string            `json:"namespace"`
		Methods   []string          `json:"methods"`
		Endpoints []endpoint        `json:"endpoints"`
		Links     map[string][]link `json:"_links"`
	}
	endpoint struct {
		Methods []string `json:"methods"`
		Args    any      `json:"args"`
	}
	link struct {
		Href string `json:"href"`
	}
	argument struct {
		Default  string `json:"default"`
		Required bool   `json:"required"`
	}
)

// jwtNamespace is the namespace in which CoCart JWT Authentication registers its routes.
const jwtNamespace = "cocart/jwt"

// isJWTIndex reports whether a request is for the index of that namespace. WordPress
// does not know the namespace without the plugin; apps look there to find out whether
// a shop has tokens.
func (x *exchange) isJWTIndex() bool {
	return reads(x.verdict.method) && phpLower(x.verdict.route) == "/"+jwtNamespace
}

// writeJWTIndex answers as that plugin does.
func (g *Gateway) writeJWTIndex(x *exchange) {
	base := strings.TrimRight(g.cfg.SiteURL.String(), "/") + "/" + g.routes.bases[0]
	route := func(name, method string, args any) indexRoute {
		return indexRoute{jwtNamespace, []string{method}, []endpoint{{[]string{method}, args}},
			map[string][]link{"self": {{base + name}}}}
	}
	const index = "/" + jwtNamespace
	own := map[string]argument{"namespace": {Default: jwtNamespace}, "context": {Default: "view"}}
	respond.JSON(x.w, x.r, http.StatusOK, namespaceIndex{jwtNamespace, map[string]indexRoute{
		index:                     route(index, http.MethodGet, own),
		index + "/refresh-token":  route(index+"/refresh-token", http.MethodPost, []string{}),
		index + "/validate-token": route(index+"/validate-token", http.MethodPost, []string{}),
	}, map[string][]link{"up": {{base + "/"}}}})
}
