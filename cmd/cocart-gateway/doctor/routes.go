package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/upstream"
)

// routes sends requests to CoCart as a guest does, under the prefix that clients use. f is nil if the plugin reported
// nothing.
func (n nodeReport) routes(ctx context.Context, f *upstream.Facts) {
	target := n.coCart("")
	p, err := n.ask(ctx, target)
	if err != nil {
		n.problem("rest", "/"+target+" is not answered: "+cause(err)+".", "Check whether PHP is overloaded.")
		n.skip("CoCart did not answer", "cache")
		return
	}
	n.rest(f, p, target)
	if strings.TrimSpace(p.Printed) != "" {
		n.printed(p.Printed, "the answer at /"+target+": apps cannot read it")
	}
	n.homePage(ctx)
	again, err := n.ask(ctx, target)
	if err != nil {
		n.skip("CoCart did not answer a second time", "cache")
		return
	}
	name, value := upstream.CachedBy(again.Header)
	n.decide("cache",
		row{name != "", Problem, "A cache in front of PHP answers CoCart's routes (" + name + ": " + term.Cell(value) + "): it may send the cart of one customer to another.",
			"Exclude /" + n.cfg.Site.RESTPrefix + "/" + n.cfg.Site.Namespaces[0] + "/ from that cache."},
		row{otherwise, OK, "No cache in front of PHP answers CoCart's routes.", ""},
	)
}

// coCart returns the address of CoCart's index below a folder of the site, without the slash at the beginning.
func (n nodeReport) coCart(folder string) string {
	return strings.TrimPrefix(folder+"/"+n.cfg.Site.RESTPrefix+"/"+n.cfg.Site.Namespaces[0]+"/v2", "/")
}

func (n nodeReport) ask(ctx context.Context, target string) (*upstream.Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return n.node.Probe(ctx, upstream.Assertion{Kind: upstream.Guest, Proto: n.cfg.Site.URL.Scheme}, target)
}

// isIndex reports whether an answer is CoCart's index.
func isIndex(p *upstream.Probe) bool {
	var index struct{ Namespace string }
	return p.Status == http.StatusOK && json.Unmarshal(p.Body, &index) == nil && index.Namespace != ""
}

func (n nodeReport) rest(f *upstream.Facts, p *upstream.Probe, target string) {
	if f == nil {
		f = &upstream.Facts{RestPrefix: n.cfg.Site.RESTPrefix, Permalinks: true}
	}
	n.decide("rest",
		row{isIndex(p), OK, "CoCart answers guests at /" + target + ".", ""},
		row{f.RestPrefix != n.cfg.Site.RESTPrefix, Problem,
			"REST addresses of this shop begin with " + f.RestPrefix + ", and site.rest_prefix is " + n.cfg.Site.RESTPrefix + ".",
			"Write rest_prefix: " + f.RestPrefix + " in the block site."},
		row{!f.Permalinks, Problem, "Permalinks are plain: /" + target + ", which apps ask for, does not exist.",
			"Choose another structure in Settings → Permalinks."},
		row{p.Code == "rest_no_route", Problem, "WordPress has no route /" + target + ": CoCart is not active.", "Activate CoCart."},
		row{p.Code != "", Problem, fmt.Sprintf("/%s answers %d %s to a guest.", target, p.Status, p.Code),
			"Find the plugin that closes the REST API to guests, and let it open CoCart's routes."},
		row{otherwise, Problem, fmt.Sprintf("/%s answers %d, and not as WordPress does.", target, p.Status),
			"Let the web server pass requests that match no file to index.php, as for pretty permalinks."},
	)
}

// homePage reports a home page that redirects to itself. WordPress compares its address with the Host and the scheme that
// PHP has (redirect_canonical). If a web server keeps the port from PHP, every page redirects for ever.
func (n nodeReport) homePage(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url := n.cfg.Site.URL
	p, err := n.node.Probe(ctx, upstream.Assertion{Kind: upstream.Site, Proto: url.Scheme}, "")
	if err != nil || p.Status < 300 || p.Status >= 400 {
		return
	}
	location := p.Header.Get("Location")
	loop := strings.EqualFold(strings.TrimSuffix(location, "/"), strings.TrimSuffix(url.String(), "/"))
	found := "The home page redirects to itself (" + term.Cell(location) + "), so browsers ask for it for ever."
	n.decide("pages",
		row{loop && url.Port() != "", Problem, found, "Let the web server pass the whole Host to PHP; nginx: fastcgi_param HTTP_HOST $http_host;"},
		row{loop, Problem, found, "Find the plugin or the line of wp-config.php that redirects, and check which scheme PHP sees."},
	)
}
