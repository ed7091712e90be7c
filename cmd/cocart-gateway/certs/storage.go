package certs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"cocart-gateway/tokens/untrusted"
)

// trial is what is written into the folder to see whether that works: as much as a certificate with its key.
const trial = 10 << 10 // bytes

// writable makes the folder for certificates if it is not there, and says why nothing can be written to it: the wrong
// owner, a read-only or full disk, a path that leads nowhere.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return TryFolder(folder)
}

func TryFolder(folder string) error {
	f, err := os.CreateTemp(folder, ".cocart-gateway-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, trial))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// checkStorage makes sure that a certificate can be kept before one is asked for: authorities count what they hand out. A
// gateway that has a certificate for each name starts all the same, and complains: shoppers are served until it ends.
func (a *automatic) checkStorage(ctx context.Context, i *issuing) error {
	err := a.tryFolder(a.cfg.Storage)
	if err == nil {
		return nil
	}
	for _, domain := range a.domains {
		if _, missing := i.config.CacheManagedCertificate(ctx, domain); missing != nil {
			return fmt.Errorf("tls.acme.storage: nothing can be written to %s, so no certificate can be kept: %w; "+
				"name a folder that this user may write to", untrusted.Visible(a.cfg.Storage), err)
		}
	}
	a.metrics.updates.WithLabelValues(fromACME, kept).Inc()
	a.log.Error("certificates cannot be renewed: nothing can be written to tls.acme.storage", "storage", a.cfg.Storage, "cause", err.Error())
	return nil
}
