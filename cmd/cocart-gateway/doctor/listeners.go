package doctor

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cocart-gateway/cmd/cocart-gateway/certs"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/server"
)

// listeners reports for every address whether it is free, or in use by a running gateway.
func (r *Report) listeners(ctx context.Context, cfg *config.Config) {
	running := runningGateway(ctx, cfg.Admin.Listen)
	for _, l := range cfg.Listeners() {
		r.listener(ctx, l, running.version)
	}
	r.descriptors(cfg, running.descriptors)
}

// descriptors compares the limit of file descriptors of the running gateway with the limits of connections, or that of this
// process if no gateway runs.
func (r *Report) descriptors(cfg *config.Config, limit uint64) {
	if limit == 0 {
		limit, _ = server.Descriptors()
	}
	found, advice := server.TooFewDescriptors(cfg, limit)
	r.decide("descriptors", row{limit > 0 && found != "", Warning, found + ".", sentence(advice)})
}

func (r *Report) listener(ctx context.Context, l config.Listener, running string) {
	err := server.Available(ctx, l.Address)
	inUse, remedies := errors.Is(err, syscall.EADDRINUSE), server.RemediesFor(l.Address)
	place := l.Key + " " + l.Address
	r.decide(listenerID(l),
		row{strings.HasPrefix(l.Address, config.Systemd), OK, place + " is a socket that systemd passes when it starts the gateway.", ""},
		row{err == nil, OK, place + " is free.", ""},
		row{inUse && running == r.Version, OK, place + " is in use by a running gateway.", ""},
		row{inUse && running != "", Warning, place + " is in use by a running gateway of version " + running + "; this is " + r.Version + ".",
			"Restart the gateway after an upgrade."},
		row{inUse, Problem, place + " is in use by another program.", remedies.InUse},
		row{errors.Is(err, fs.ErrPermission), Problem, "This user lacks permission to listen on " + place + ".", remedies.Forbidden},
		row{otherwise, Problem, "The gateway cannot listen on " + place + ": " + cause(err) + ".", remedies.Wrong},
	)
}

// listenerID returns admin, metrics, public for listen, tls, or redirect for tls.redirect_from, with the number of an item.
func listenerID(l config.Listener) string {
	return strings.NewReplacer("admin.listen", "admin", "metrics.listen", "metrics", "tls.listen", "tls", "tls.redirect_from", "redirect",
		"listen", "public", "[", ".", "]", "").Replace(l.Key)
}

// gateway is what the metrics of a running gateway say.
type gateway struct {
	version     string
	descriptors uint64 // that it may use
}

var maxDescriptors = regexp.MustCompile(`^process_max_fds ([0-9.e+]+)$`)

var buildInfo = regexp.MustCompile(`^cocart_gateway_build_info\{.*\bversion="([^"]*)"`)

// runningGateway reads the metrics at an address. The version is "" if they are not those of a gateway.
func runningGateway(ctx context.Context, address string) (found gateway) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/metrics", nil)
	if err != nil {
		return found
	}
	transport := &http.Transport{DisableKeepAlives: true, // and no proxy of the environment
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx, address) }}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return found
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if m := buildInfo.FindStringSubmatch(lines.Text()); m != nil {
			found.version = m[1]
		}
		if m := maxDescriptors.FindStringSubmatch(lines.Text()); m != nil {
			n, _ := strconv.ParseFloat(m[1], 64) // as Prometheus writes whole numbers
			found.descriptors = uint64(n)
		}
	}
	return found
}

// certificateStorage reports whether certificates can be kept. It does not create the folder, but tries the nearest one
// that exists.
func (r *Report) certificateStorage(cfg *config.Config) {
	if !cfg.TLS.ACME.Enabled {
		return
	}
	folder := cfg.TLS.ACME.Storage
	err := certs.TryFolder(existing(folder))
	place := "tls.acme.storage " + folder
	r.decide("certificates",
		row{err == nil, OK, "This user has permission to write to " + place + ".", ""},
		row{errors.Is(err, fs.ErrPermission), Problem, "This user lacks permission to write to " + place + ".",
			"Run doctor as the user of the gateway, or give that user the folder."},
		row{otherwise, Problem, "Nothing can be written to " + place + ": " + cause(err) + ".",
			"Name a folder that the gateway can write to, on a volume if it runs in a container."},
	)
}

// existing returns the folder, or the nearest one above it that exists.
func existing(folder string) string {
	for {
		_, err := os.Stat(folder)
		above := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || above == folder {
			return folder
		}
		folder = above
	}
}

// certificateName reports whether the gateway has a certificate for the shop. Otherwise it shows the first one, which is for
// another name: with several shops that is easily overlooked.
func (r *Report) certificateName(cfg *config.Config) {
	if len(cfg.TLS.Listen) == 0 || cfg.TLS.ACME.Enabled && slices.Contains(cfg.Domains(), cfg.Site.URL.Hostname()) {
		return
	}
	host := cfg.Site.URL.Hostname()
	var found *x509.Certificate
	for _, c := range cfg.TLS.Certificates {
		pair, err := config.ReadKeyPair(c.CertificateFile, c.KeyFile)
		if err == nil && pair.Leaf.VerifyHostname(host) == nil {
			found = pair.Leaf
			break
		}
	}
	if found == nil {
		r.warn("names", "No certificate of tls is for "+host+", the host of site.url.",
			"Clients that connect to the gateway itself refuse it. Add a certificate for this name to tls.certificates.")
		return
	}
	ends, begins := found.NotAfter.UTC().Format(time.RFC3339), found.NotBefore.UTC().Format(time.RFC3339)
	r.decide("names",
		row{r.Now().Before(found.NotBefore), Problem, "The certificate for " + host + " is not valid before " + begins + ".", "Correct the clock of this machine, or use another certificate until then."},
		row{r.Now().Before(found.NotAfter), OK, "The certificate for " + host + " is valid until " + ends + ".", ""},
		row{otherwise, Problem, "The certificate for " + host + " expired on " + ends + ".", "Renew it. The gateway reads its files when they change."},
	)
}
