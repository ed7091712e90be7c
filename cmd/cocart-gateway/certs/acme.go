package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// challengeProtocol is what an authority negotiates when it checks that a name is ours (RFC 8737 section 6.2).
const challengeProtocol = "acme-tls/1"

// automatic obtains certificates from an ACME authority and renews them: at two thirds of their life, or when the
// authority says so (RFC 9773). It keeps them in a folder, so that a restart requests nothing; gateways that share the
// folder share one certificate. When the authority cannot be reached it tries again after growing pauses, and the older
// certificate stays in use.
type automatic struct {
	cfg       config.ACME
	domains   []string
	roots     *x509.CertPool // nil: those of the machine
	metrics   *metrics
	log       *slog.Logger
	after     func(time.Duration) <-chan time.Time
	tryFolder func(folder string) error // whether it can be written to
	running   atomic.Pointer[issuing]
	asking    sync.WaitGroup // obtain, for each domain
}

// issuing is automatic once it knows where it can be reached.
type issuing struct {
	cache  *certmagic.Cache
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
}

func newAutomatic(cfg *config.Config, m *metrics, log *slog.Logger) (*automatic, error) {
	a := &automatic{cfg: cfg.TLS.ACME, domains: cfg.Domains(), metrics: m, log: log, after: time.After, tryFolder: writable}
	if a.cfg.CAFile == "" {
		return a, nil
	}
	text, err := schema.ReadRegular(a.cfg.CAFile, schema.MaxSecretFile)
	if err != nil {
		return nil, fmt.Errorf("reading tls.acme.ca_file: %w", err)
	}
	a.roots = x509.NewCertPool()
	a.roots.AppendCertsFromPEM(text)
	return a, nil
}

// start loads the certificates in the folder and gets the missing ones, in the background until ctx ends. The challenges
// of the authority arrive at the listeners. It fails if a certificate is missing and could not be kept.
func (a *automatic) start(ctx context.Context, tls, redirect []net.Listener) error {
	i, said := &issuing{}, newACMELog(a.log)
	i.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return i.config, nil },
		Logger:           said,
	})
	i.config = certmagic.New(i.cache, certmagic.Config{
		Storage:            &certmagic.FileStorage{Path: a.cfg.Storage},
		OnEvent:            a.heard,
		DefaultServerName:  a.domains[0], // for clients that name no host
		FallbackServerName: a.domains[0], // and for those that name another one
		OCSP:               certmagic.OCSPConfig{DisableStapling: true},
		Logger:             said,
	})
	i.issuer = certmagic.NewACMEIssuer(i.config, a.template(tls, redirect))
	i.config.Issuers = []certmagic.Issuer{i.issuer}
	if err := a.checkStorage(ctx, i); err != nil {
		i.cache.Stop()
		return err
	}
	a.running.Store(i)
	for _, domain := range a.domains {
		a.asking.Go(func() { a.obtain(ctx, i, domain) })
	}
	return nil
}

// stop waits for what start began, whose context has ended, ends the maintenance, and gives back the locks in the folder,
// which another gateway may wait for.
func (a *automatic) stop() {
	a.asking.Wait()
	if i := a.running.Load(); i != nil {
		i.cache.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		certmagic.CleanUpOwnLocks(ctx, newACMELog(a.log))
	}
}

func (a *automatic) template(tls, redirect []net.Listener) certmagic.ACMEIssuer {
	t := certmagic.ACMEIssuer{
		CA: a.cfg.Directory, Email: a.cfg.Email, Agreed: true, TrustedRoots: a.roots, Logger: newACMELog(a.log),
		DisableHTTPChallenge:    !slices.Contains(a.cfg.Challenges, "http-01") || len(redirect) == 0,
		DisableTLSALPNChallenge: !slices.Contains(a.cfg.Challenges, "tls-alpn-01"),
	}
	// The library opens a port for the challenges unless the port is in use: these are the ports of the gateway.
	_, t.AltHTTPPort = tcpPort(redirect)
	t.ListenHost, t.AltTLSALPNPort = tcpPort(tls)
	return t
}

// tcpPort is where the first TCP socket among them listens; "" is every address of the machine.
func tcpPort(all []net.Listener) (host string, port int) {
	for _, l := range all {
		if at, ok := l.Addr().(*net.TCPAddr); ok {
			if !at.IP.IsUnspecified() {
				host = at.IP.String()
			}
			return host, at.Port
		}
	}
	return "", 0
}

// challenged reports whether a handshake is a challenge of the authority.
func (a *automatic) challenged(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == challengeProtocol
}

func (a *automatic) find(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	i := a.running.Load()
	if i == nil {
		return nil, errNoCertificate
	}
	return i.config.GetCertificate(hello)
}

func (a *automatic) all() []*x509.Certificate {
	var leaves []*x509.Certificate
	if i := a.running.Load(); i != nil {
		for _, domain := range a.domains {
			for _, c := range i.cache.AllMatchingCertificates(domain) {
				leaves = append(leaves, c.Leaf)
			}
		}
	}
	return leaves
}

// heard logs and counts the events of the library. It returns nil, because an error would stop the library.
func (a *automatic) heard(_ context.Context, event string, facts map[string]any) error {
	switch event {
	case "cert_obtained":
		a.metrics.updates.WithLabelValues(fromACME, updated).Inc()
		a.log.Info("certificate obtained", "name", facts["identifier"], "renewal", facts["renewal"])
	case "cert_failed":
		a.metrics.updates.WithLabelValues(fromACME, kept).Inc()
		cause, _ := facts["error"].(error)
		a.log.Error("certificate not obtained, trying again later", "name", facts["identifier"], "renewal", facts["renewal"], "cause", fmt.Sprint(cause))
	}
	return nil
}
