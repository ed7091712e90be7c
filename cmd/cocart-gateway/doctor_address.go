package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/upstream"
)

// mostPaths is how many prefixes and host names the doctor asks for at most.
const mostPaths = 20

// addresses looks for CoCart under other addresses of the shop: below folders of languages, and under other host names.
func (r *report) addresses(ctx context.Context, node upstream.Node, cfg *config.Config, f *upstream.Facts) {
	r.paths(ctx, node, cfg, f)
	r.hosts(ctx, node, cfg)
}

// paths compares site.paths with what the plugin sees in home_url, and asks for CoCart below each of both.
func (r *report) paths(ctx context.Context, node upstream.Node, cfg *config.Config, f *upstream.Facts) {
	var missing, dead []string
	for _, path := range slices.Concat(cfg.Site.Paths, f.Paths)[:min(mostPaths, len(cfg.Site.Paths)+len(f.Paths))] {
		listed := slices.ContainsFunc(cfg.Site.Paths, func(p string) bool { return strings.EqualFold(p, path) })
		answers := r.answersBelow(ctx, node, cfg, path)
		switch {
		case listed && !answers && !slices.Contains(dead, path):
			dead = append(dead, path)
		case !listed && answers && !slices.Contains(missing, path):
			missing = append(missing, path)
		}
	}
	switch {
	case len(missing) > 0:
		r.problem("paths", "CoCart answers below "+strings.Join(missing, ", ")+", too, and site.paths does not list that: such requests are refused.",
			"Write paths: ["+strings.Join(append(slices.Clone(cfg.Site.Paths), missing...), ", ")+"].")
	case len(dead) > 0:
		r.warn("paths", "CoCart does not answer below "+strings.Join(dead, ", ")+", which site.paths lists.", "Take out what the shop no longer has.")
	case len(cfg.Site.Paths) > 0:
		r.ok("paths", "CoCart answers below %s (site.paths).", strings.Join(cfg.Site.Paths, ", "))
	default:
		r.ok("paths", "No folders of languages are known.")
	}
}

func (r *report) answersBelow(ctx context.Context, node upstream.Node, cfg *config.Config, path string) bool {
	p, err := r.ask(ctx, node, cfg, strings.TrimPrefix(path, "/")+"/"+cfg.Site.RESTPrefix+"/"+cfg.Site.Namespaces[0]+"/v2")
	var index struct{ Namespace string }
	return err == nil && p.Status == http.StatusOK && json.Unmarshal(p.Body, &index) == nil && index.Namespace != ""
}

// hosts asks under the shop's other names: with WP_HOME made of the Host, WordPress takes itself for another site there,
// and refuses what the gateway asserts.
func (r *report) hosts(ctx context.Context, node upstream.Node, cfg *config.Config) {
	for _, host := range otherHosts(cfg) {
		ctx, cancel := context.WithTimeout(ctx, questionTime)
		s, err := node.StatusFor(ctx, cfg.Site.URL.Scheme, host)
		cancel()
		if err != nil || s.Outcome != upstream.StatusRefused || s.Differs.Audience == "" {
			continue // another web server may answer there
		}
		r.problem("hosts", fmt.Sprintf("Under the name %s WordPress takes itself for %s: its Site Address is made of the Host. Requests for CoCart are refused there.", host, s.Differs.Audience),
			"Write define( 'COCART_GATEWAY_AUDIENCE', "+phpText(cfg.Site.URL.Host+cfg.Site.URL.Path)+" ); into wp-config.php.")
		return
	}
	r.ok("hosts", "WordPress is the same site under its other names, as far as they are known.")
}

// otherHosts are the names of site.hosts; without them the one with or without www.
func otherHosts(cfg *config.Config) []string {
	own := cfg.Site.URL.Hostname()
	var hosts []string
	for _, host := range cfg.Site.Hosts {
		if !strings.HasPrefix(host, "*") && host != own && len(hosts) < mostPaths {
			hosts = append(hosts, host)
		}
	}
	if len(cfg.Site.Hosts) > 0 {
		return hosts
	}
	if bare, found := strings.CutPrefix(own, "www."); found {
		return []string{bare}
	}
	return []string{"www." + own}
}
