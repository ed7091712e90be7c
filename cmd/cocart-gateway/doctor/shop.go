package doctor

import (
	"fmt"
	"slices"
	"strings"

	"cocart-gateway/upstream"
)

// The oldest versions that the plugin supports, as its header says.
const (
	oldestPHP       = "7.4"
	oldestWordPress = "6.0"
)

// facts makes the checks of what the plugin reports about the shop.
func (n nodeReport) facts(f *upstream.Facts) {
	n.versions(f)
	n.woocommerce(f)
	n.cocart(f)
	n.site(f)
	n.tls(f)
	n.decide("authorization",
		row{f.Authorization, OK, "Authorization reaches PHP.", ""},
		row{otherwise, Problem, "Authorization does not reach PHP: CoCart sees no password of Basic authentication.",
			"Apache: CGIPassAuth On. nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization."},
	)
	n.required(f)
	n.oldPlugin(f)
	n.jwtPlugins(f)
	n.decide("object_cache",
		row{f.ObjectCache, OK, "There is a persistent object cache: passwords changed by SQL end sessions once the cache has expired.", ""},
		row{otherwise, OK, "There is no persistent object cache.", ""},
	)
}

func (n nodeReport) versions(f *upstream.Facts) {
	multisite := ""
	if f.Multisite {
		multisite = " (multisite)"
	}
	found := fmt.Sprintf("WordPress %s%s, PHP %s (%s).", f.WordPress, multisite, f.PHP, f.SAPI)
	n.decide("versions",
		row{Older(f.WordPress, oldestWordPress) || Older(f.PHP, oldestPHP), Problem, found,
			"Upgrade: the plugin needs WordPress " + oldestWordPress + " and PHP " + oldestPHP + " or newer."},
		row{otherwise, OK, found, ""},
	)
}

func (n nodeReport) woocommerce(f *upstream.Facts) {
	n.decide("woocommerce",
		row{f.WooCommerce != "", OK, "WooCommerce " + f.WooCommerce + ".", ""},
		row{len(f.Routes) == 0, Warning, "WooCommerce is not active.", "Activate it: CoCart needs it."},
		row{otherwise, Warning, "WooCommerce does not report that it is active.", "Make sure that it is active: CoCart needs it."},
	)
}

func (n nodeReport) cocart(f *upstream.Facts) {
	var missing []string
	for _, name := range n.cfg.Site.Namespaces {
		if !slices.ContainsFunc(f.Routes, func(route string) bool { return strings.EqualFold(strings.SplitN(route, "/", 2)[0], name) }) {
			missing = append(missing, name)
		}
	}
	version, names := strings.TrimSpace("CoCart "+f.CoCart), strings.Join(missing, ", ")
	n.decide("cocart",
		row{len(missing) == 0, OK, version + " serves " + strings.Join(f.Routes, ", ") + ".", ""},
		row{f.CoCart == "", Problem, "CoCart is not active: WordPress has no routes below " + names + ".",
			"Activate CoCart. In a white-label shop, write its namespace to site.namespaces and define COCART_GATEWAY_NAMESPACES."},
		row{otherwise, Problem, version + " has no routes below " + names + ".",
			"Write the namespace of this shop to site.namespaces, and define it as COCART_GATEWAY_NAMESPACES."},
	)
}

// site compares addresses as an operator reads them. The plugin has already found that they are the same site.
func (n nodeReport) site(f *upstream.Facts) {
	configured, actual := n.cfg.Site.URL.String(), strings.TrimRight(f.Home, "/")
	_, configuredRest, _ := strings.Cut(configured, "://")
	_, actualRest, _ := strings.Cut(actual, "://")
	n.decide("site",
		row{strings.EqualFold(configured, actual), OK, "WordPress has the address of site.url: " + configured + ".", ""},
		row{strings.EqualFold(configuredRest, actualRest), Warning,
			"WordPress has the address " + actual + ", and site.url is " + configured + ": links of WordPress lead to " + actual + ".",
			"Write " + configured + " in Settings → General."},
		row{otherwise, OK, "WordPress has the address " + actual + ", and accepts " + configured + " for the gateway (COCART_GATEWAY_AUDIENCE).", ""},
	)
}

// tls reports whether CoCart accepts passwords at all: over plain http it does so in the environments local and
// development only (is_wp_environment_local).
func (n nodeReport) tls(f *upstream.Facts) {
	scheme := n.cfg.Site.URL.Scheme
	local := f.Environment == "" || f.Environment == "local" || f.Environment == "development"
	n.decide("tls",
		row{f.TLS != (scheme == "https"), Problem,
			fmt.Sprintf("The gateway reports to WordPress that the customer came by %s, but is_ssl() is %t: CoCart refuses passwords then.", scheme, f.TLS),
			"Find what sets HTTPS or SERVER_PORT in wp-config.php, the web server or another plugin, and remove it."},
		row{scheme != "https" && !local, Problem,
			"site.url is http, and the environment of WordPress is " + f.Environment + ": CoCart refuses passwords over http there, so no customer can log in.",
			"Serve the shop over https and write an https site.url; on a test machine: define( 'WP_ENVIRONMENT_TYPE', 'local' ); in wp-config.php."},
		row{otherwise, OK, "WordPress knows from the gateway whether a customer came by HTTPS.", ""},
	)
}
