package doctor

import (
	"context"
	"slices"
	"strings"

	"cocart-gateway/deploy/wordpress"
	"cocart-gateway/upstream"
)

// mostAddresses limits how many folders and host names the doctor asks for.
const mostAddresses = 20

// addresses looks for CoCart under other addresses of the shop.
func (n nodeReport) addresses(ctx context.Context, f *upstream.Facts) {
	n.paths(ctx, f)
	n.hosts(ctx)
}

// paths compares site.paths with what the plugin sees in home_url, and asks for CoCart below each of them.
func (n nodeReport) paths(ctx context.Context, f *upstream.Facts) {
	listed := n.cfg.Site.Paths
	var unlisted, unanswered []string
	for _, path := range slices.Concat(listed, f.Paths)[:min(mostAddresses, len(listed)+len(f.Paths))] {
		known := slices.ContainsFunc(listed, func(p string) bool { return strings.EqualFold(p, path) })
		p, err := n.ask(ctx, n.coCart(path))
		switch answers := err == nil && isIndex(p); {
		case known && !answers && !slices.Contains(unanswered, path):
			unanswered = append(unanswered, path)
		case !known && answers && !slices.Contains(unlisted, path):
			unlisted = append(unlisted, path)
		}
	}
	n.decide("paths",
		row{len(unlisted) > 0, Problem,
			"CoCart also answers below " + strings.Join(unlisted, ", ") + ", which site.paths does not list: the gateway refuses such requests.",
			"Write paths: [" + strings.Join(slices.Concat(listed, unlisted), ", ") + "] in the block site."},
		row{len(unanswered) > 0, Warning, "CoCart does not answer below " + strings.Join(unanswered, ", ") + ", which site.paths lists.",
			"Remove from site.paths what the shop no longer has."},
		row{len(listed) > 0, OK, "CoCart answers below " + strings.Join(listed, ", ") + " (site.paths).", ""},
		row{otherwise, OK, "No folders of languages are known.", ""},
	)
}

// hosts asks under the other names of the shop: if WP_HOME is made of the Host, WordPress is another site there, and
// refuses the assertions of the gateway.
func (n nodeReport) hosts(ctx context.Context) {
	url := n.cfg.Site.URL
	for _, host := range n.otherHosts() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		s, err := n.node.StatusFor(ctx, url.Scheme, host)
		cancel()
		if err != nil || s.Outcome != upstream.StatusRefused || s.Differs.Audience == "" {
			continue // another web server may answer there
		}
		n.problem("hosts", "Under the name "+host+" WordPress has the address "+s.Differs.Audience+": its Site Address is made of the Host. It refuses requests for CoCart there.",
			"Write define( 'COCART_GATEWAY_AUDIENCE', "+wordpress.PHPString(url.Host+url.Path)+" ); into wp-config.php.")
		return
	}
	n.ok("hosts", "WordPress is the same site under its other names, as far as they are known.")
}

// otherHosts returns the names of site.hosts; if there are none, the name of the site with or without www.
func (n nodeReport) otherHosts() []string {
	own := n.cfg.Site.URL.Hostname()
	var hosts []string
	for _, host := range n.cfg.Site.Hosts {
		if !strings.HasPrefix(host, "*") && host != own && len(hosts) < mostAddresses {
			hosts = append(hosts, host)
		}
	}
	if len(n.cfg.Site.Hosts) > 0 {
		return hosts
	}
	if bare, found := strings.CutPrefix(own, "www."); found {
		return []string{bare}
	}
	return []string{"www." + own}
}
