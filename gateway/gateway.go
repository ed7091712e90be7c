// Package gateway is the request pipeline: it decides what happens to each request and
// writes the answer.
//
// The path of a request:
//
//	ServeHTTP ─► classify.go ─► bounds.go ─► handler of the class ─► headers.go ─► record.go
//	                                             └─ error ─► errors.go
//
// Package wprequest classifies it: what WordPress will take it for decides which handler
// answers. Package hosts has the hosts of the shop, package bounds what a request on CoCart's routes may be.
//
//	login     login.go      WordPress checks the password; the tokens go into its answer
//	refresh   sessions.go   one step in Redis, without WordPress
//	validate  sessions.go   whether an access token is valid
//	logout    sessions.go   the session ends, then WordPress logs out
//	account   sessions.go   a customer's own token and sessions; package account writes the answers
//	cocart    protected.go  by bearer as a customer, without one as a guest; 401 to an invalid one
//	batch     protected.go  the same, after the requests inside were read
//	jwks      discovery.go  the public keys; also the index of the JWT plugin's namespace
//	protected protected.go  by bearer as a customer, on routes of others that site.protect lists
//	browser   sessions.go   a link by which WordPress logs a browser in; package browserlink
//	site      protected.go  forwarded without changes but to the gateway's own headers
//
// forward.go forwards, and cartkey.go checks whose cart a request names before. Package grant begins the sessions that
// WordPress asks for in its answer.
//
// Passwords are counted wherever WordPress checks them: passwords.go counts before,
// settle.go after the answer, limits.go writes the 429. Refusals do not show whether an
// account exists. Package repeats answers the same refused request once more.
//
// cookies.go lets a browser app have its tokens as a cookie that no script can read, and
// renews them (cookie mode; package browser has the cookie). It also decides when
// WordPress's own login cookie counts.
//
// headers.go sets the last headers of every answer: those for browsers of other origins
// are set in cors.go by package crossorigin, which knows what preflights ask for, and those for caches in caches.go
// by package caching.
//
// record.go collects what the log line says (package accesslog writes it), events.go
// reports security events, panic.go answers after a panic.
//
// dryrun.go replaces all of this in the dry run. A shop that moves from the old JWT
// plugin, or back, leaves this path at the places in migrating.go, which call package
// migration.
//
// Handlers return an error, and errors.go turns it into an answer. Package tokens knows
// how tokens are verified, package upstream how WordPress is called, and neither knows
// the other.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/browserlink"
	"cocart-gateway/gateway/caching"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/forwarded"
	"cocart-gateway/gateway/grant"
	"cocart-gateway/gateway/hosts"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/repeats"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/budget"
	"cocart-gateway/tokens/untrusted"
	"cocart-gateway/upstream"
)

// Gateway is an http.Handler for the public listener.
type Gateway struct {
	cfg       Config
	routes    wprequest.Site
	proxies   forwarded.Proxies
	authority *tokens.Authority
	wordpress *upstream.WordPress
	metrics   *metrics
	log       *slog.Logger
	handlers  map[wprequest.Class]func(*exchange) error
	cors      *crossorigin.Policy // nil: WordPress's own headers
	pages     *browser.Pages      // nil: no cookie mode
	caches    *caching.Metrics
	vary      *caching.Vary
	// otherBearers is shared by all configurations of one process.
	otherBearers *untrusted.Throttle
	limitReports *limitReports
	unlisted     *untrusted.Throttle
	spent        *spentTokens
	repeats      *repeats.Memory
	links        *browserlink.Links
	grants       *grant.Granter
	appServers   appserver.Servers
	plugin       *migration.Plugin // nil: no shop that moves
	dryRun       *migration.DryRun // nil: what is refused is refused
}

// New puts the rooms together. It sends nothing and starts nothing.
func New(cfg Config, authority *tokens.Authority, wordpress *upstream.WordPress, reg prometheus.Registerer, log *slog.Logger) (*Gateway, error) {
	caches, err := caching.NewMetrics(reg)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("gateway: registering metrics: %w", err)
	}
	dry, err := migration.NewDryRun(cfg.DryRun, reg, log)
	if err != nil {
		return nil, fmt.Errorf("gateway: registering metrics: %w", err)
	}
	grants, err := grant.New(reg)
	if err != nil {
		return nil, fmt.Errorf("gateway: registering metrics: %w", err)
	}
	g := &Gateway{grants: grants, repeats: repeats.New(), authority: authority, wordpress: wordpress, metrics: m, log: log, caches: caches, otherBearers: &untrusted.Throttle{Period: time.Hour}, unlisted: &untrusted.Throttle{Period: time.Hour}, spent: newSpentTokens(), limitReports: &limitReports{}, dryRun: dry}
	return g.configure(cfg)
}

// configure gives g its settings and what is made of them.
func (g *Gateway) configure(cfg Config) (*Gateway, error) {
	if cfg.SiteURL == nil {
		return nil, errors.New("gateway: SiteURL is required")
	}
	if cfg.InvalidTokenStatus == 0 {
		cfg.InvalidTokenStatus = http.StatusUnauthorized
	}
	if cfg.MaxLoginBody == 0 {
		cfg.MaxLoginBody = defaultLoginBody
	}
	cfg.Bounds = cfg.Bounds.WithDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	sharing, err := crossorigin.New(cfg.CORS, cfg.AuthHeaders)
	if err != nil {
		return nil, err
	}
	g.pages = nil
	if cfg.Cookies.Enabled {
		if g.pages, err = browser.NewPages(cfg.SiteURL, cfg.CORS.Trusted()); err != nil {
			return nil, fmt.Errorf("gateway: cookie mode: %w", err)
		}
	}
	g.plugin = migration.New(cfg.Migration, cfg.SiteURL, g.authority, g.wordpress, g.log)
	g.appServers, g.links = appserver.New(cfg.AppServers), browserlink.New(cfg.SiteURL, g.authority)
	g.cfg, g.cors, g.routes, g.vary = cfg, sharing, cfg.site(), caching.NewVary(cfg.identifying()...)
	g.proxies = forwarded.Proxies{Trusted: cfg.TrustedProxies, SchemeHeaders: canonical(cfg.SchemeHeaders), AssumeHTTPS: cfg.AssumeHTTPS}
	g.handlers = map[wprequest.Class]func(*exchange) error{
		wprequest.ClassLogin: g.login, wprequest.ClassRefresh: g.refresh, wprequest.ClassValidate: g.validate, wprequest.ClassLogout: g.logout, wprequest.ClassAccount: g.account,
		wprequest.ClassCoCart: g.protected, wprequest.ClassBatch: g.protected, wprequest.ClassJWKS: g.jwks, wprequest.ClassSite: g.site, wprequest.ClassProtected: g.shared, wprequest.ClassBrowser: g.followBrowserLink,
	}
	return g, nil
}

// exchange holds one request, its answer and what is known of both. Handlers run one
// after the other on one goroutine, so nothing in it is guarded.
type exchange struct {
	// confirmed runs when WordPress has answered 200, before the client reads the answer.
	confirmed func(context.Context) error

	w              *recorder
	r              *http.Request
	target         string // as WordPress will receive it
	classification wprequest.Classification
	origin         upstream.Origin
	record         *record
	attempt        attempt         // the password of this request
	cartless       *wprequest.Body // set: forwarded without the cart keys of customers
	body           *bounds.Body    // nil: none, or not on our routes
	guest          bool            // forwarded as a guest's
	relayed        bool            // the answer is WordPress's
	cookies        bool            // a login cookie may count
	granted        bool            // the answer has tokens of a session that WordPress began
	appServer      string          // the app server that sent the request; "" for a client of its own
	session        sessionCookie   // of cookie mode
	redis          budget.Budget   // the time that Redis takes
	// otherBearer says that the bearer is an access token of another JWT plugin.
	otherBearer bool

	id string // X-CoCart-Request-Id
}

// served holds everything about one request in one allocation.
type served struct {
	exchange
	recorder
	record
}

// ServeHTTP answers one request. The package comment shows the path.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &served{recorder: recorder{Writer: pace.Writer{ResponseWriter: w}}, record: record{start: time.Now(), class: wprequest.ClassSite}}
	x := &s.exchange
	x.r, x.w, x.record, x.target = r, &s.recorder, &s.record, upstream.Target(r)
	x.w.setHeaders = func(status int) { g.setResponseHeaders(x, status) }
	x.w.noHints = !r.ProtoAtLeast(1, 1) // RFC 9110 section 15.2; nginx speaks HTTP/1.0 to servers behind it, unless it is told otherwise
	x.w.Pace = g.cfg.Bounds.Pace(g.cfg.Bounds.DownloadRate)
	g.metrics.InFlight.Inc()
	defer g.recordRequest(x) // also when ReverseProxy aborts a broken answer by panicking
	defer g.recoverPanic(x)
	x.origin = g.proxies.Origin(r)
	x.id = accesslog.Identify(r.Header, x.origin.Trusted)
	g.followBody(x)
	g.reportForgery(x)
	if err := g.begin(x); err != nil {
		g.writeError(x, err)
	}
	g.rememberRefusal(x)
}

// begin identifies an app server, which a dry run does for its prediction, and handles the request.
func (g *Gateway) begin(x *exchange) error {
	if g.dryRun == nil {
		if err := g.identifyAppServer(x); err != nil {
			return err
		}
	}
	return g.handle(x)
}

func (g *Gateway) handle(x *exchange) error {
	wprequest.JoinEqualHeaders(x.r.Header)
	if err := hosts.CheckForm(x.r); err != nil {
		return err
	}
	if err := g.hosts().CheckTarget(x.r); err != nil {
		return err
	}
	if g.dryRun != nil {
		return x.orBody(g.observe(x))
	}
	if err := g.hosts().Check(x.r, x.origin.Trusted); err != nil {
		return err
	}
	x.session.presented = g.cfg.Cookies.Take(x.r.Header)
	if err := g.classify(x); err != nil {
		return err
	}
	if err := g.classifyProtected(x); err != nil {
		return x.orBody(err)
	}
	if answered, err := g.answerPreflight(x); answered {
		return err
	}
	if err := g.resolveAlias(x); err != nil {
		return x.orBody(err)
	}
	if err := g.readDelivery(x); err != nil {
		return x.orBody(err)
	}
	if usesRedis[x.classification.Class] {
		x.r = x.r.WithContext(x.inRedisTime(x.r.Context()))
	}
	return x.orBody(g.handlers[x.classification.Class](x))
}

// hosts are the names of this shop.
func (g *Gateway) hosts() hosts.Names {
	return hosts.Names{Site: g.cfg.SiteURL, Others: g.cfg.Hosts, Elsewhere: g.cfg.OtherHosts}
}

// usesRedis has the classes that the gateway answers with what Redis says. The others are forwarded, and few of them need
// Redis: those have their budget where they do.
var usesRedis = map[wprequest.Class]bool{
	wprequest.ClassLogin: true, wprequest.ClassRefresh: true, wprequest.ClassValidate: true, wprequest.ClassLogout: true,
	wprequest.ClassAccount: true, wprequest.ClassBrowser: true,
}

// inRedisTime returns a context for the Redis commands of this request: all of them together wait for no longer than one
// command may.
func (x *exchange) inRedisTime(ctx context.Context) context.Context {
	return budget.Within(ctx, &x.redis)
}

// classify finds the class of a request: first by its target alone, so that the body of a
// CoCart request is limited before any of it is read.
func (g *Gateway) classify(x *exchange) error {
	v, err := g.classifyTarget(x)
	if err := g.classified(x, v, err); err != nil {
		return err
	}
	v, err = g.classifyBody(x)
	return g.classified(x, v, err)
}

func (g *Gateway) classified(x *exchange, v wprequest.Classification, err error) error {
	x.classification = v
	x.record.class = x.classification.Class
	if err != nil {
		return x.orBody(err)
	}
	return g.bound(x)
}

func (g *Gateway) writeError(x *exchange, err error) {
	f := g.failureOf(err)
	switch {
	case x.w.status != 0: // the client has its answer already
		x.record.err = err
		return
	case f == nil: // it left. If it only stopped sending, net/http would answer 200 without this
		x.record.err = err
		panic(http.ErrAbortHandler)
	}
	x.record.failure, x.record.err = f, f.Cause
	g.reportRefusal(x, f)
	switch {
	case x.readsFault() && isLimit(f):
		respond.Fault(x.w, x.r, f)
	case x.readsPage(), x.readsLoginPage():
		respond.Page(x.w, x.r, f)
	default:
		respond.Error(x.w, x.r, f)
	}
}

// Next returns a Gateway with other settings and another Authority that shares the
// WordPress, the log and the metrics of g. An error says what is wrong with the
// settings. g does not change: its requests end under the settings with which they
// began, and both may serve at once.
func (g *Gateway) Next(cfg Config, authority *tokens.Authority) (*Gateway, error) {
	next := *g
	next.authority = authority
	return next.configure(cfg)
}
