package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/gateway/forwarded"
	"cocart-gateway/gateway/hosts"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// shopLabel names the shop in metrics and in the log, if there are several.
const shopLabel = "shop"

// shop is what the process has of one shop from its start to its end. A single shop has no name, and its metrics and log
// lines have no label.
type shop struct {
	name      string
	log       *slog.Logger
	metrics   prometheus.Registerer
	authority *tokens.Authority // of the start; those of later configurations share its state
	wordpress *upstream.WordPress
	history   *history.History
	first     *shopEdition
}

// shopEdition is what one configuration amounts to for one shop.
type shopEdition struct {
	cfg       *config.Config
	authority *tokens.Authority
	guard     *attempts.Guard
	front     *gateway.Gateway
	admin     *admin.Handler
}

// newShop connects the packages that serve one shop.
func (p *program) newShop(cfg *config.Config, rdb redis.UniversalClient) (s *shop, err error) {
	s = &shop{name: cfg.Name, log: p.log, metrics: p.registry, history: history.New(shopMetrics{p.registry, cfg.Name})}
	if cfg.Name != "" {
		s.log, s.metrics = p.log.With(shopLabel, cfg.Name), prometheus.WrapRegistererWith(prometheus.Labels{shopLabel: cfg.Name}, p.registry)
	}
	settings, err := authorityConfig(cfg, now, s.log)
	if err != nil {
		return nil, err
	}
	if settings.Reader, err = store.Reader(cfg.Redis); err != nil {
		return nil, err
	}
	if settings.Successor, err = store.Successor(cfg.Redis); err != nil {
		return nil, err
	}
	if s.authority, err = tokens.NewUnmeasured(settings, rdb, s.metrics); err != nil {
		return nil, err
	}
	if s.wordpress, err = newWordPress(cfg, s.metrics, s.log); err != nil {
		return nil, err
	}
	e := &shopEdition{cfg: cfg, authority: s.authority}
	if e.guard, err = newGuard(cfg, rdb, s.log); err == nil {
		e.front, err = gateway.New(gatewayConfig(cfg, e.guard), s.authority, s.wordpress, s.metrics, s.log)
	}
	if err != nil {
		return nil, err
	}
	e.admin = p.newAdmin(s, e)
	s.first = e
	return s, nil
}

// next makes every package of a shop check a configuration. use puts it in force, which cannot fail.
func (p *program) next(s *shop, before *shopEdition, cfg *config.Config) (e *shopEdition, use func(), err error) {
	e = &shopEdition{cfg: cfg}
	settings, err := authorityConfig(cfg, now, s.log)
	if err != nil {
		return nil, nil, err
	}
	if e.authority, err = before.authority.Next(settings); err != nil {
		return nil, nil, err
	}
	if e.guard, err = before.guard.Next(guardConfig(cfg, s.log)); err != nil {
		return nil, nil, err
	}
	if e.front, err = before.front.Next(gatewayConfig(cfg, e.guard), e.authority); err != nil {
		return nil, nil, err
	}
	e.admin = p.newAdmin(s, e)
	secrets, err := s.wordpress.Secrets(assertionSecrets(cfg.Upstream))
	if err != nil {
		return nil, nil, err
	}
	return e, func() { secrets(); e.authority.TakeOver() }, nil
}

// together puts the shops of one configuration behind the listeners.
func (p *program) together(cfg *config.Config, shops []*shopEdition) *edition {
	e := &edition{cfg: cfg, shops: shops}
	if len(cfg.Shops) == 0 {
		e.front, e.admin = shops[0].front, shops[0].admin
		return e
	}
	var routes []hosts.Shop
	var admins []admin.Shop
	for i, s := range shops {
		routes = append(routes, hosts.Shop{Hosts: cfg.Shops[i].Hosts(), Handler: s.front})
		admins = append(admins, admin.Shop{Name: cfg.Shops[i].Name, Handler: s.admin})
	}
	e.front, e.admin = hosts.NewRouter(routes, p.others), admin.NewShops(admins)
	return e
}

// newOthers returns what answers requests for a host of no shop; nil for a single shop, which looks at the host itself.
func (p *program) newOthers() (http.Handler, error) {
	if len(p.cfg.Shops) == 0 {
		return nil, nil
	}
	client := func(r *http.Request) (netip.Addr, bool) {
		o := forwarded.Proxies{Trusted: p.inForce().TrustedProxies}.Origin(r)
		return o.Client, o.Trusted
	}
	return hosts.NewOthers(client, prometheus.WrapRegistererWith(prometheus.Labels{shopLabel: ""}, p.registry), p.log)
}

// redirect answers plain HTTP for the shops: it redirects the host of each site.url, and no other.
func redirect(cfg *config.Config) http.Handler {
	var sites []*url.URL
	for _, shop := range cfg.EachShop() {
		sites = append(sites, shop.Site.URL)
	}
	return hosts.NewRedirect(sites...)
}

// caughtUp reports whether the revocations of every shop have been read.
func (p *program) caughtUp() bool {
	for _, s := range p.shops {
		if !s.authority.CaughtUp() {
			return false
		}
	}
	return true
}

// forEachShop runs do for every shop at once, and returns when all have.
func (p *program) forEachShop(do func(*shop) error) error {
	failed := make([]error, len(p.shops))
	var running sync.WaitGroup
	for i, s := range p.shops {
		running.Go(func() { failed[i] = do(s) })
	}
	running.Wait()
	return errors.Join(failed...)
}

// shopMetrics are the metrics of one shop, and those that no shop has for itself.
type shopMetrics struct {
	prometheus.Gatherer
	name string
}

// Gather returns what history reads.
func (m shopMetrics) Gather() ([]*dto.MetricFamily, error) {
	families, err := m.Gatherer.Gather()
	if m.name == "" {
		return families, err
	}
	for _, f := range families {
		f.Metric = slices.DeleteFunc(f.Metric, m.ofOther)
	}
	return families, err
}

func (m shopMetrics) ofOther(metric *dto.Metric) bool {
	return slices.ContainsFunc(metric.Label, func(l *dto.LabelPair) bool { return l.GetName() == shopLabel && l.GetValue() != m.name })
}
