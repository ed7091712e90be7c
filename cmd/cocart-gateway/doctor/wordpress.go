package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/deploy/wordpress"
	"cocart-gateway/upstream"
)

// factChecks are the checks that need what the plugin reports.
var factChecks = []string{"versions", "woocommerce", "cocart", "site", "tls", "authorization", "required", "old_plugin", "jwt_plugins", "object_cache", "paths", "hosts"}

// routeChecks are the checks that send requests to CoCart.
var routeChecks = []string{"rest", "cache"}

func (r *Report) wordpress(ctx context.Context, cfg *config.Config) {
	wp, err := r.WordPress(cfg)
	if err != nil {
		r.problem("reachable", err.Error(), "")
		return
	}
	defer wp.Close()
	nodes := wp.Nodes()
	for i, origin := range cfg.Upstream.Origins() {
		if len(nodes) > 1 {
			r.node = nodes[i].Name()
		}
		nodeReport{r, cfg, nodes[i]}.examine(ctx, origin.Redacted())
	}
	r.node = ""
}

// nodeReport adds the checks of one web server to a report. Each has its own PHP, its own files and its own clock.
type nodeReport struct {
	*Report
	cfg  *config.Config
	node upstream.Node
}

func (n nodeReport) examine(ctx context.Context, address string) {
	s, err := n.status(ctx)
	if err != nil {
		n.unreachable(address, err)
		n.skipAll()
		return
	}
	if !n.reachable(address, s) {
		n.skipAll()
		return
	}
	if s.Timed {
		n.decide("clock", clockRows(wordpressClock, s.Clock)...)
	}
	n.plugin(ctx, s)
}

func (n nodeReport) status(ctx context.Context) (*upstream.StatusReport, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return n.node.Status(ctx, n.cfg.Site.URL.Scheme, slices.DeleteFunc(slices.Clone(n.cfg.Site.Protect), isPath)...)
}

func (n nodeReport) skipAll() {
	const because = "WordPress did not answer"
	n.skip(because, "clock", "plugin", "secret")
	n.skip(because, factChecks...)
	n.skip(because, routeChecks...)
}

func (n nodeReport) unreachable(address string, err error) {
	n.decide("reachable",
		row{errors.Is(err, upstream.ErrTimeout), Problem, "WordPress at " + address + " does not answer in time.",
			"Check whether PHP is overloaded, and whether a firewall drops the connection."},
		row{badCertificate(err), Problem, "The certificate of WordPress at " + address + " is not trusted: " + cause(err) + ".",
			certificateAdvice("upstream")},
		row{errors.As(err, new(tls.RecordHeaderError)) || strings.Contains(err.Error(), "HTTP response to HTTPS client"), Problem,
			"WordPress at " + address + " answers without TLS, and upstream.url begins with https://.",
			"Write http:// to upstream.url, or the port on which its web server has TLS."},
		row{otherwise, Problem, "WordPress at " + address + " cannot be reached: " + cause(err) + ".",
			"Start its web server, or correct upstream.url."},
	)
}

// reachable reports whether the answer is from WordPress.
func (n nodeReport) reachable(address string, s *upstream.StatusReport) bool {
	host := n.cfg.Site.URL.Host
	foreign := s.Outcome == upstream.StatusUnlike
	n.decide("reachable",
		row{s.Outcome == upstream.StatusElsewhere, Problem,
			fmt.Sprintf("%s redirects to another address: %d to %q.", address, s.Status, withoutSecrets(s.Header.Get("Location"))),
			"Write the address that serves " + host + " itself to upstream.url. If that server insists on HTTPS, write https://."},
		row{foreign && s.Status == http.StatusServiceUnavailable, Problem,
			address + " answers 503: WordPress is in maintenance mode, or PHP or its database does not work.",
			"Look for a file .maintenance beside wp-config.php, which a failed update leaves behind, and into the logs of the web server and of PHP."},
		row{foreign && s.Status >= http.StatusInternalServerError, Problem,
			fmt.Sprintf("%s answers %d: PHP or its database does not work.", address, s.Status),
			"Look into the logs of the web server and of PHP."},
		row{foreign && s.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(string(s.Body)), "https"), Problem,
			address + " refuses requests without TLS, and upstream.url begins with http://.",
			"Write https:// to upstream.url, or the port on which its web server has none."},
		row{foreign, Problem, fmt.Sprintf("%s answers %d, and not as the REST API of WordPress does.", address, s.Status),
			"Check that this web server serves " + host + ", that it requires no password other than the one in upstream.url, and that no plugin closes the REST API."},
		row{otherwise, OK, fmt.Sprintf("WordPress answers at %s in %d ms.", address, s.Took.Milliseconds()), ""},
	)
	return s.Outcome != upstream.StatusElsewhere && !foreign
}

// withoutSecrets shortens the target of a redirect. Its query and its user may be secrets, which the report must not show.
func withoutSecrets(location string) string {
	target, query, _ := strings.Cut(location, "?")
	if at := strings.LastIndexByte(target, '@'); at >= 0 {
		target = "…" + target[at:]
	}
	if query != "" {
		target += "?…"
	}
	if runes := []rune(target); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return target
}

// noReport has the result of the check plugin or secret for each outcome in which the plugin reports nothing.
var noReport = map[upstream.Outcome]struct{ id, found, advice string }{
	upstream.StatusUnknown: {"secret", "COCART_GATEWAY_SECRET in wp-config.php differs from upstream.secret, is too short, or is missing.",
		`Put the value of upstream.secret there, above "That's all": cocart-gateway wordpress config prints the line.`},
	upstream.StatusStripped: {"plugin", "The must-use plugin is installed, but the header X-CoCart-Gateway does not reach it.",
		"A proxy between the gateway and PHP removes it: let it pass."},
	upstream.StatusUnsigned: {"plugin", "The must-use plugin answers, but its header X-CoCart-Gateway-Status does not reach the gateway.",
		"A proxy between PHP and the gateway removes the X-CoCart-Gateway headers: let them pass."},
	upstream.StatusStale: {"plugin", "A cache in front of PHP answers with an earlier reply of WordPress.",
		"Exclude requests with rest_route= and below /%s/ from that cache."},
}

// plugin reports what the plugin answers, and makes the checks that this allows.
func (n nodeReport) plugin(ctx context.Context, s *upstream.StatusReport) {
	const unanswered = "the plugin did not answer"
	switch s.Outcome {
	case upstream.StatusAnswered:
		n.pluginVersion(s.Facts.Plugin)
		n.pluginPlace(s.Facts)
		n.ok("secret", "WordPress has the same secret.")
		n.facts(s.Facts)
		n.protect(ctx, s.Facts)
		n.addresses(ctx, s.Facts)
		n.routes(ctx, s.Facts)
		return
	case upstream.StatusNoPlugin:
		n.noPlugin(ctx)
		n.skip(unanswered, append([]string{"secret"}, factChecks...)...)
		n.routes(ctx, nil)
		return
	case upstream.StatusRefused:
		n.pluginVersion(s.Plugin)
		if s.Refused == definedTooLate {
			n.problem("secret", "COCART_GATEWAY_SECRET is in wp-config.php, but below \"That's all, stop editing!\", where WordPress has already started.",
				"Move the line above that comment.")
			break
		}
		n.ok("secret", "WordPress has the same secret.")
		n.refused(s)
	default:
		n.silent(s)
	}
	n.skip(unanswered, factChecks...)
	n.skip(unanswered, routeChecks...)
}

func (n nodeReport) silent(s *upstream.StatusReport) {
	const installed = "The must-use plugin is installed."
	if s.Outcome == upstream.StatusUnsigned && s.Printed != "" {
		n.ok("plugin", installed)
		n.printed(s.Printed, "the headers of WordPress, which are lost: no customer can log in")
		return
	}
	result := noReport[s.Outcome]
	if result.id == "secret" {
		n.ok("plugin", installed)
	}
	n.problem(result.id, result.found, strings.ReplaceAll(result.advice, "%s", n.cfg.Site.RESTPrefix))
}

// printed reports output before an answer.
func (n nodeReport) printed(output, before string) {
	n.problem("output", fmt.Sprintf("PHP prints %.80q before %s.", output, before),
		"Remove everything before <?php in wp-config.php: blank lines, and the byte order mark of an editor. If the output is a warning of PHP, switch display_errors off.")
}

// definedTooLate is what the plugin says of a secret that is defined after it was loaded.
const definedTooLate = "COCART_GATEWAY_SECRET is defined too late"

// installPlugin is for an operator who knows where wp-content is.
var installPlugin = "cd …/wp-content/mu-plugins && " + wordpress.InstallCommand("cocart-gateway.php")

var replacePlugin = "If you have replaced the file already, reload PHP, whose opcache has the old one. Otherwise replace it: " + installPlugin

// noPlugin finds out whether there is a plugin of a version that had no status.
func (n nodeReport) noPlugin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	version, err := n.node.Ping(ctx)
	n.decide("plugin",
		row{err == nil && version != "", Problem,
			"The must-use plugin is version " + version + ", which is too old to answer; this gateway needs " + wordpress.PluginVersion + ".", replacePlugin},
		row{otherwise, Problem, "The must-use plugin is not installed: no customer can log in, and every customer is a guest.",
			"Install it: " + installPlugin},
	)
}

func (n nodeReport) pluginVersion(installed string) {
	const needed = wordpress.PluginVersion
	n.decide("plugin",
		row{installed == needed, OK, "The must-use plugin is installed, version " + installed + ".", ""},
		row{Older(installed, needed), Problem, "The must-use plugin is version " + installed + "; this gateway needs " + needed + ".", replacePlugin},
		row{otherwise, Warning, "The must-use plugin is version " + installed + ", newer than " + needed + " of this gateway.",
			"Upgrade the gateway, or install the older plugin again."},
	)
}

func (n nodeReport) pluginPlace(f *upstream.Facts) {
	n.decide("late",
		row{f.Late, Problem, "The plugin is loaded as an ordinary plugin, after others that may log a user in.",
			"Move cocart-gateway.php to wp-content/mu-plugins, not into a folder below it."},
	)
	n.decide("copies",
		row{len(f.Copies) > 0, Warning, fmt.Sprintf("WordPress loads more than one copy of the plugin. The first is in force; not in force: %q.", f.Copies),
			"Leave wp-content/mu-plugins/cocart-gateway.php, and keep backups under a name that does not end in .php."},
	)
}

// refused reports which part of the assertion WordPress sees otherwise. The clock has a check of its own.
func (n nodeReport) refused(s *upstream.StatusReport) {
	d, url := s.Differs, n.cfg.Site.URL
	n.decide("site", row{d.Audience != "", Problem, "WordPress has the address " + d.Audience + ", and site.url is " + url.String() + ".",
		"Write the Site Address of Settings → General to site.url, or define COCART_GATEWAY_AUDIENCE in wp-config.php."})
	n.decide("host", row{d.Host != "", Problem, "WordPress sees the Host " + d.Host + " instead of " + url.Host + ".",
		"A proxy between the gateway and PHP changes it: let it pass Host on (nginx: proxy_set_header Host $http_host)."})
	n.decide("method", row{d.Method != "", Problem, "WordPress sees the method " + d.Method + " instead of GET.",
		"A proxy between the gateway and PHP changes it: let it pass unchanged."})
	n.decide("target", row{d.Target, Problem, "WordPress sees another address than the gateway asked for.",
		"A proxy or rewrite rule between the gateway and PHP changes REQUEST_URI: let it pass unchanged."})
	explained := d.Audience != "" || d.Host != "" || d.Method != "" || d.Target || s.Clock.Abs() > wordpressClock.problem
	n.decide("refused", row{!explained, Problem, "The plugin refuses requests of the gateway: " + s.Refused + ".", "Look into the error log of PHP."})
}

// cause returns the innermost error, without the addresses that the outer ones repeat.
func cause(err error) string {
	if err == nil {
		return ""
	}
	for {
		inner := errors.Unwrap(err)
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			all := several.Unwrap()
			inner = all[len(all)-1]
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// badCertificate reports whether a server answered with a certificate that is not trusted.
func badCertificate(err error) bool {
	var wrong *tls.CertificateVerificationError
	return errors.As(err, &wrong)
}

func certificateAdvice(group string) string {
	return "Name the file of its authority in " + group + ".tls_ca_file. If the certificate is for another name than the address, write that name to " +
		group + ".tls_server_name."
}
