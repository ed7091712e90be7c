package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/deploy/wordpress"
	"cocart-gateway/upstream"
)

// factChecks are those that only the plugin can answer.
var factChecks = []string{"versions", "woocommerce", "cocart", "site", "tls", "authorization", "required", "old_plugin", "jwt_plugins", "object_cache", "paths", "hosts"}

// probeChecks ask CoCart's routes themselves.
var probeChecks = []string{"rest", "cache"}

func (r *report) wordpress(ctx context.Context, cfg *config.Config) {
	wp, err := newWordPress(&program{cfg: cfg, log: slog.New(slog.DiscardHandler)}, prometheus.NewRegistry())
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
		r.wordpressAt(ctx, nodes[i], origin.String(), cfg)
	}
	r.node = ""
}

// wordpressAt looks at one of the nodes, each of which has its own PHP, its own files and its own clock.
func (r *report) wordpressAt(ctx context.Context, node upstream.Node, where string, cfg *config.Config) {
	s, err := askStatus(ctx, node, cfg)
	if err != nil {
		r.wordpressAway(where, err)
		return
	}
	if !r.answers(cfg, where, s) {
		r.skipWordPress("WordPress did not answer")
		return
	}
	if s.Timed {
		judgeClock(s.Clock, "WordPress", r.add)
	}
	r.outcome(ctx, node, cfg, s)
}

func askStatus(ctx context.Context, node upstream.Node, cfg *config.Config) (*upstream.StatusReport, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	return node.Status(ctx, cfg.Site.URL.Scheme)
}

func (r *report) skipWordPress(because string) {
	r.skip(because, "clock", "plugin", "secret")
	r.skip(because, factChecks...)
	r.skip(because, probeChecks...)
}

func (r *report) wordpressAway(where string, err error) {
	switch {
	case errors.Is(err, upstream.ErrTimeout):
		r.problem("reachable", "WordPress at "+where+" does not answer in time.", "Look whether PHP is overloaded, and whether a firewall swallows the connection.")
	case badCertificate(err):
		r.problem("reachable", "WordPress at "+where+" has a certificate that does not count: "+cause(err)+".", certificateAdvice("upstream"))
	default:
		r.problem("reachable", "WordPress at "+where+" cannot be reached: "+cause(err)+".", "Start its web server, or correct upstream.url.")
	}
	r.skipWordPress("WordPress did not answer")
}

// answers tells whether it is WordPress that answers.
func (r *report) answers(cfg *config.Config, where string, s *upstream.StatusReport) bool {
	switch {
	case s.Outcome == upstream.StatusElsewhere:
		r.problem("reachable", fmt.Sprintf("%s sends us elsewhere: %d to %q.", where, s.Status, withoutSecrets(s.Header.Get("Location"))),
			"Write the address that serves "+cfg.Site.URL.Host+" itself to upstream.url; if that insists on HTTPS, https://.")
	case s.Outcome == upstream.StatusUnlike && s.Status == http.StatusServiceUnavailable:
		r.problem("reachable", where+" answers 503: WordPress is in maintenance, or PHP or the database behind it does not work.",
			"Look for a file .maintenance beside wp-config.php, which a broken update leaves behind, and into the logs of the web server and of PHP.")
	case s.Outcome == upstream.StatusUnlike && s.Status >= http.StatusInternalServerError:
		r.problem("reachable", fmt.Sprintf("%s answers %d: PHP or the database behind it does not work.", where, s.Status), "Look into the logs of the web server and of PHP.")
	case s.Outcome == upstream.StatusUnlike:
		r.problem("reachable", fmt.Sprintf("What answers at %s (%d) is not the REST API of WordPress.", where, s.Status),
			"Check that this web server knows "+cfg.Site.URL.Host+" as a name of the shop and asks for no password of its own, and that no plugin closes the REST API.")
	default:
		r.ok("reachable", "WordPress answers at %s in %d ms.", where, s.Took.Milliseconds())
		return true
	}
	return false
}

func (r *report) outcome(ctx context.Context, node upstream.Node, cfg *config.Config, s *upstream.StatusReport) {
	switch s.Outcome {
	case upstream.StatusTold:
		r.pluginVersion(s.Facts.Plugin)
		r.late(s.Facts.Late)
		r.copies(s.Facts.Copies)
		r.ok("secret", "It has our secret.")
		r.facts(cfg, s.Facts)
		r.addresses(ctx, node, cfg, s.Facts)
		r.probe(ctx, node, cfg, s.Facts)
		return
	case upstream.StatusRefused:
		r.pluginVersion(s.Plugin)
		r.ok("secret", "It has our secret.")
		r.refused(cfg, s)
	case upstream.StatusUnknown:
		r.ok("plugin", "The must-use plugin is there.")
		r.problem("secret", "It does not know our secret: COCART_GATEWAY_SECRET in wp-config.php is another one, too short, or missing.",
			"Put the value of upstream.secret there, above \"That's all\": cocart-gateway wordpress config prints the line.")
	case upstream.StatusStripped:
		r.problem("plugin", "The must-use plugin is there, but the header X-CoCart-Gateway does not reach it.",
			"Something between the gateway and PHP takes it off: let it pass.")
	case upstream.StatusUnsigned:
		if s.Printed != "" {
			r.ok("plugin", "The must-use plugin is there.")
			r.printed(s.Printed, "WordPress answers, and its headers are lost: nobody can log in")
			break
		}
		r.problem("plugin", "The must-use plugin answers, but its header X-CoCart-Gateway-Status does not reach us.",
			"Something between PHP and the gateway takes the X-CoCart-Gateway headers off: let them pass.")
	case upstream.StatusStale:
		r.problem("plugin", "A cache in front of PHP answers with what WordPress told somebody earlier.",
			"Exclude requests with rest_route= and "+cfg.Site.RESTPrefix+"/ from that cache.")
	case upstream.StatusNoPlugin:
		r.noPlugin(ctx, node)
		r.skip("the plugin did not answer", append([]string{"secret"}, factChecks...)...)
		r.probe(ctx, node, cfg, nil)
		return
	}
	r.skip("the plugin did not answer", factChecks...)
	r.skip("the plugin did not answer", probeChecks...)
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

// printed names what stands before an answer.
func (r *report) printed(what, before string) {
	r.problem("output", fmt.Sprintf("Something prints %.80q before %s.", what, before),
		"Let nothing stand before <?php in wp-config.php, no blank line and no byte order mark of an editor. If it is a warning of PHP, switch display_errors off.")
}

// toInstall is said to somebody who knows where wp-content is.
var toInstall = "cd …/wp-content/mu-plugins && " + writePlugin("cocart-gateway.php")

var installAdvice = "If the file is new already, reload PHP, whose opcache has the old one. Else write it anew: " + toInstall

// noPlugin looks whether there is one after all, from before it told its status.
func (r *report) noPlugin(ctx context.Context, node upstream.Node) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	if version, err := node.Ping(ctx); err == nil && version != "" {
		r.problem("plugin", "The must-use plugin is too old to answer: version "+version+", and this gateway comes with "+wordpress.PluginVersion+".", installAdvice)
		return
	}
	r.problem("plugin", "The must-use plugin is not there: nobody can log in, and every customer is a guest.",
		"Install it: "+toInstall)
}

func (r *report) pluginVersion(theirs string) {
	const ours = wordpress.PluginVersion
	switch {
	case theirs == ours:
		r.ok("plugin", "The must-use plugin is there, version %s.", theirs)
	case olderThan(theirs, ours):
		r.problem("plugin", "The must-use plugin is version "+theirs+", older than "+ours+", which belongs to this gateway.", installAdvice)
	default:
		r.warn("plugin", "The must-use plugin is version "+theirs+", newer than "+ours+", which belongs to this gateway.", "Upgrade the gateway, too, or put the older plugin back.")
	}
}

func (r *report) late(late bool) {
	if late {
		r.problem("late", "It is loaded as an ordinary plugin, after others that may log somebody in.", "Move cocart-gateway.php to wp-content/mu-plugins, not into a folder below it.")
	}
}

// copies tells of a backup that PHP runs, or that runs instead.
func (r *report) copies(files []string) {
	if len(files) > 0 {
		r.warn("copies", fmt.Sprintf("WordPress loads more than one copy of it. The first is in force; not in force: %q.", files),
			"Leave wp-content/mu-plugins/cocart-gateway.php; keep backups under a name that does not end in .php.")
	}
}

// refused says which part of the assertion WordPress sees otherwise. The clock is told by a check of its own.
func (r *report) refused(cfg *config.Config, s *upstream.StatusReport) {
	d := s.Differs
	told := len(r.Checks)
	if d.Audience != "" {
		r.problem("site", "WordPress takes itself for "+d.Audience+", and site.url is "+cfg.Site.URL.String()+".",
			"Write to site.url what Settings → General has as Site Address; or define COCART_GATEWAY_AUDIENCE in wp-config.php.")
	}
	if d.Host != "" {
		r.problem("host", "WordPress sees the Host "+d.Host+" instead of "+cfg.Site.URL.Host+".", "A proxy between the gateway and PHP changes it: let it pass Host on (nginx: proxy_set_header Host $http_host).")
	}
	if d.Method != "" {
		r.problem("method", "WordPress sees the method "+d.Method+" instead of GET.", "Something between the gateway and PHP changes it.")
	}
	if d.Target {
		r.problem("target", "WordPress sees another address than the gateway asked for.", "A proxy or rewrite rule between the gateway and PHP changes REQUEST_URI: let it pass unchanged.")
	}
	if len(r.Checks) == told && s.Clock.Abs() <= clockProblem {
		r.problem("refused", "The plugin refuses our requests: "+s.Refused+".", "Look into PHP's error log.")
	}
}
