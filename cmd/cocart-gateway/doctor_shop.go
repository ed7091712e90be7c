package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/upstream"
)

// What the plugin is made for, as its head says.
const (
	oldestPHP       = "7.4"
	oldestWordPress = "6.0"
)

// facts judges what the plugin told about the shop.
func (r *report) facts(cfg *config.Config, f *upstream.Facts) {
	r.versions(f)
	r.cocart(cfg, f)
	r.site(cfg, f)
	r.tls(cfg, f)
	if f.Authorization {
		r.ok("authorization", "Authorization reaches PHP.")
	} else {
		r.problem("authorization", "Authorization does not reach PHP: CoCart sees no password that is sent as Basic.",
			"Apache: CGIPassAuth On. nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization.")
	}
	r.required(cfg.Compat.Migration, f)
	r.oldPlugin(cfg.Compat.Migration, f)
	r.jwtPlugins(cfg.Compat, f)
	r.ok("object_cache", "%s", pick(f.ObjectCache, "There is a persistent object cache: passwords changed by SQL end sessions once it forgets.", "There is no persistent object cache."))
}

// tls judges whether CoCart takes passwords at all: over plain http it does so in
// the environments local and development only (is_wp_environment_local).
func (r *report) tls(cfg *config.Config, f *upstream.Facts) {
	wants := cfg.Site.URL.Scheme == "https"
	takesPlain := f.Environment == "" || f.Environment == "local" || f.Environment == "development"
	switch {
	case f.TLS != wants:
		r.problem("tls", fmt.Sprintf("WordPress was told that the customer came by %s, and is_ssl() is %t all the same: CoCart takes no password then.", cfg.Site.URL.Scheme, f.TLS),
			"Look in wp-config.php, the web server and other plugins for what sets HTTPS or SERVER_PORT, and take it out.")
	case !wants && !takesPlain:
		r.problem("tls", fmt.Sprintf("site.url is http, and the environment of WordPress is %s: CoCart takes no password over http there, so nobody can log in.", f.Environment),
			"Serve the shop over https and write an https site.url; on a test machine: define( 'WP_ENVIRONMENT_TYPE', 'local' ); in wp-config.php.")
	default:
		r.ok("tls", "WordPress believes us whether a customer came by HTTPS.")
	}
}

func (r *report) versions(f *upstream.Facts) {
	found := fmt.Sprintf("WordPress %s%s, PHP %s (%s).", f.WordPress, pick(f.Multisite, " (multisite)", ""), f.PHP, f.SAPI)
	if olderThan(f.WordPress, oldestWordPress) || olderThan(f.PHP, oldestPHP) {
		r.problem("versions", found, "The plugin needs WordPress "+oldestWordPress+" and PHP "+oldestPHP+" or newer: upgrade.")
		return
	}
	r.add("versions", statusOK, found, "")
}

func (r *report) cocart(cfg *config.Config, f *upstream.Facts) {
	switch {
	case len(f.Routes) == 0 && f.WooCommerce == "":
		r.warn("woocommerce", "WooCommerce is not active.", "Activate it: CoCart needs it.")
	case f.WooCommerce == "":
		r.warn("woocommerce", "WooCommerce does not say that it is active.", "Make sure that it is: CoCart needs it.")
	default:
		r.ok("woocommerce", "WooCommerce %s.", f.WooCommerce)
	}
	var missing []string
	for _, name := range cfg.Site.Namespaces {
		if !slices.ContainsFunc(f.Routes, func(route string) bool { return strings.EqualFold(strings.SplitN(route, "/", 2)[0], name) }) {
			missing = append(missing, name)
		}
	}
	version := strings.TrimSpace("CoCart " + f.CoCart)
	switch {
	case len(missing) > 0 && f.CoCart == "":
		r.problem("cocart", "CoCart is not active: WordPress has no routes below "+strings.Join(missing, ", ")+".", "Activate CoCart; in a white-label shop write its namespace to site.namespaces and define COCART_GATEWAY_NAMESPACES.")
	case len(missing) > 0:
		r.problem("cocart", version+" has no routes below "+strings.Join(missing, ", ")+".", "Write to site.namespaces, and define as COCART_GATEWAY_NAMESPACES, what this shop calls them.")
	default:
		r.ok("cocart", "%s serves %s.", version, strings.Join(f.Routes, ", "))
	}
}

// site compares addresses as an operator reads them; that the plugin believed us tells that they are the same site.
func (r *report) site(cfg *config.Config, f *upstream.Facts) {
	ours, theirs := cfg.Site.URL.String(), strings.TrimRight(f.Home, "/")
	_, ourRest, _ := strings.Cut(ours, "://")
	_, theirRest, _ := strings.Cut(theirs, "://")
	switch {
	case strings.EqualFold(ours, theirs):
		r.ok("site", "WordPress has the same address as site.url: %s.", ours)
	case strings.EqualFold(ourRest, theirRest):
		r.warn("site", "WordPress has "+theirs+" as its address, and site.url is "+ours+": its links will lead there.", "Make Settings → General say "+ours+".")
	default:
		r.ok("site", "WordPress has %s as its address, and takes %s for the gateway's (COCART_GATEWAY_AUDIENCE).", theirs, ours)
	}
}

// probe asks CoCart's routes as a guest would, under the prefix that clients use. The facts are nil if nobody told
// any.
func (r *report) probe(ctx context.Context, node upstream.Node, cfg *config.Config, f *upstream.Facts) {
	target := cfg.Site.RESTPrefix + "/" + cfg.Site.Namespaces[0] + "/v2"
	p, err := r.ask(ctx, node, cfg, target)
	if err != nil {
		r.problem("rest", "/"+target+" is not answered: "+cause(err)+".", "Look whether PHP is overloaded.")
		r.skip("CoCart did not answer", "cache")
		return
	}
	r.rest(cfg, f, p, target)
	if strings.TrimSpace(p.Printed) != "" {
		r.printed(p.Printed, "the answer at /"+target+": apps cannot read it")
	}
	r.homePage(ctx, node, cfg)
	again, err := r.ask(ctx, node, cfg, target)
	if err != nil {
		r.skip("CoCart did not answer a second time", "cache")
		return
	}
	if name, value := upstream.CachedBy(again.Header); name != "" {
		r.problem("cache", "A cache in front of PHP answers CoCart's routes ("+name+": "+term.Cell(value)+"): it may hand one customer's cart to the next.", "Exclude /"+cfg.Site.RESTPrefix+"/"+cfg.Site.Namespaces[0]+"/ from that cache.")
		return
	}
	r.ok("cache", "No cache in front of PHP answers CoCart's routes.")
}

// homePage reports a home page that redirects to itself. WordPress compares its
// address with the Host and the scheme that PHP has (redirect_canonical), and a web
// server that keeps the port from PHP has every page redirect for ever.
func (r *report) homePage(ctx context.Context, node upstream.Node, cfg *config.Config) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	p, err := node.Probe(ctx, upstream.Assertion{Kind: upstream.Site, Proto: cfg.Site.URL.Scheme}, "")
	if err != nil || p.Status < 300 || p.Status >= 400 {
		return
	}
	home := strings.TrimSuffix(cfg.Site.URL.String(), "/") + "/"
	to := p.Header.Get("Location")
	if !strings.EqualFold(strings.TrimSuffix(to, "/")+"/", home) {
		return
	}
	remedy := "Look which plugin or line of wp-config.php takes the request for one of another address, and which scheme PHP sees."
	if cfg.Site.URL.Port() != "" {
		remedy = "Let the web server pass the whole Host to PHP; nginx: fastcgi_param HTTP_HOST $http_host;"
	}
	r.problem("pages", "The home page redirects to itself ("+term.Cell(to)+"), so browsers ask for it without end.", remedy)
}

func (r *report) ask(ctx context.Context, node upstream.Node, cfg *config.Config, target string) (*upstream.Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	return node.Probe(ctx, upstream.Assertion{Kind: upstream.Guest, Proto: cfg.Site.URL.Scheme}, target)
}

func (r *report) rest(cfg *config.Config, f *upstream.Facts, p *upstream.Probe, target string) {
	var index struct{ Namespace string }
	switch {
	case p.Status == http.StatusOK && json.Unmarshal(p.Body, &index) == nil && index.Namespace != "":
		r.ok("rest", "CoCart answers guests at /%s.", target)
	case f != nil && f.RestPrefix != cfg.Site.RESTPrefix:
		r.problem("rest", "REST addresses begin with "+f.RestPrefix+" in this shop, and site.rest_prefix is "+cfg.Site.RESTPrefix+".", "Write rest_prefix: "+f.RestPrefix+".")
	case f != nil && !f.Permalinks:
		r.problem("rest", "Permalinks are plain: /"+target+", which apps ask for, is not there.", "Choose any other structure in Settings → Permalinks.")
	case p.Code == "rest_no_route":
		r.problem("rest", "/"+target+" is no route of WordPress: CoCart is not active.", "Activate CoCart.")
	case p.Code != "":
		r.problem("rest", fmt.Sprintf("/%s answers %d %s to a guest.", target, p.Status, p.Code), "Look which plugin closes the REST API to guests, and let CoCart's routes be open.")
	default:
		r.problem("rest", fmt.Sprintf("/%s answers %d, and not as WordPress does.", target, p.Status), "Make the web server hand all that is no file to index.php, as for pretty permalinks.")
	}
}
