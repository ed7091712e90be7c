// Package jwtindex describes the routes of the namespace cocart/jwt as WordPress describes routes. WordPress does not know
// the namespace without the plugin; apps look there to find out whether a shop has tokens. It does no I/O.
package jwtindex

import "cocart-gateway/gateway/wprequest"

type (
	// Index is the index of a REST namespace as WP_REST_Server::get_namespace_index writes it.
	Index struct {
		Namespace string            `json:"namespace"`
		Routes    map[string]Route  `json:"routes"`
		Links     map[string][]link `json:"_links"`
	}
	// Route is one of its routes, as WP_REST_Server::get_data_for_route writes it.
	Route struct {
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
	// indexArguments are those of a namespace's index.
	indexArguments struct {
		Namespace argument `json:"namespace"`
		Context   argument `json:"context"`
	}
	argument struct {
		Default  string `json:"default"`
		Required bool   `json:"required"`
	}
)

// Describe returns the index of the namespace; address returns the public address of a route.
func Describe(address func(route string) string) Index {
	routes := map[string]Route{}
	for name := range wprequest.JWTRoutes {
		routes[name] = DescribeRoute(name, address)
	}
	return Index{wprequest.JWTNamespace, routes, map[string][]link{"up": {{address("/")}}}}
}

// DescribeRoute describes one route of the namespace.
func DescribeRoute(name string, address func(route string) string) Route {
	methods, args := wprequest.JWTRoutes[name], any([]string{})
	if name == wprequest.JWTIndex {
		args = indexArguments{argument{Default: wprequest.JWTNamespace}, argument{Default: "view"}}
	}
	return Route{wprequest.JWTNamespace, methods, []endpoint{{methods, args}}, map[string][]link{"self": {{address(name)}}}}
}
