package certs

import (
	"context"
	"time"
)

// How long the gateway waits before it begins anew with a certificate that it could not even ask for.
const (
	firstAnew   = time.Minute
	longestAnew = 10 * time.Minute
)

// obtain sees to it that there is a certificate for domain, until there is one or ctx ends. The library tries again by
// itself when the authority refuses. It does not when it never came so far: the folder, or the lock in it, cannot be
// used, or what is in it is damaged. Its own background job would end there with a line in the log, and the gateway
// would have no certificate until it is restarted.
func (a *automatic) obtain(ctx context.Context, i *issuing, domain string) {
	for wait := firstAnew; ; wait = min(2*wait, longestAnew) {
		err := a.manage(ctx, i, domain)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.metrics.updates.WithLabelValues(fromACME, kept).Inc()
		a.log.Error("no certificate yet, beginning anew later", "name", domain, "wait", wait.String(), "cause", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-a.after(wait):
		}
	}
}

// manage gets the certificate unless it is in the folder, takes it from there, and renews it if it is due. From then on
// the library's maintenance looks after it.
func (a *automatic) manage(ctx context.Context, i *issuing, domain string) error {
	if err := i.config.ObtainCertAsync(ctx, domain); err != nil {
		return err
	}
	if _, err := i.config.CacheManagedCertificate(ctx, domain); err != nil {
		return err
	}
	return i.cache.RenewManagedCertificates(ctx)
}
