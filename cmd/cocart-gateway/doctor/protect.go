package doctor

import (
	"context"
	"net/http"
	"strings"

	"cocart-gateway/upstream"
)

// isPath reports whether an entry of site.protect is a path, such as /graphql, and no REST route.
func isPath(entry string) bool { return strings.HasPrefix(entry, "/") }

// protect looks for the entries of site.protect in this shop.
func (n nodeReport) protect(ctx context.Context, f *upstream.Facts) {
	if len(n.cfg.Site.Protect) == 0 {
		return
	}
	missing := f.Missing
	for _, entry := range n.cfg.Site.Protect {
		if isPath(entry) && n.isNotFound(ctx, entry) {
			missing = append(missing, entry)
		}
	}
	listed, names := strings.Join(n.cfg.Site.Protect, ", "), strings.Join(missing, ", ")
	n.decide("protect",
		row{f.Missing == nil, Problem, "The must-use plugin does not know site.protect, and refuses customers on " + listed + ".", "Install the plugin of this version."},
		row{len(missing) > 0, Warning, "This shop does not have " + names + ", which site.protect lists.", "Correct the entry, or activate the plugin that has these routes."},
		row{otherwise, OK, "Tokens count on " + listed + ", too.", ""},
	)
}

// isNotFound reports whether WordPress has no page of a path. GraphQL answers a request without a query with an error, but not
// with 404.
func (n nodeReport) isNotFound(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p, err := n.node.Probe(ctx, upstream.Assertion{Kind: upstream.Site, Proto: n.cfg.Site.URL.Scheme}, strings.TrimPrefix(path, "/"))
	return err == nil && p.Status == http.StatusNotFound
}
