package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/untrusted"
)

// trial is what is written into the folder to see whether that works: as much as a certificate with its key.
const trial = 10 << 10 // bytes

// writable makes the folder for certificates if it is not there, and says why nothing can be written to it: the wrong
// owner, a read-only or full disk, a path that leads nowhere.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return tried(folder)
}

func tried(folder string) error {
	f, err := os.CreateTemp(folder, ".cocart-gateway-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, trial))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// furnish makes sure that a certificate can be kept before one is asked for: authorities count what they hand out. A
// gateway that has a certificate for each name starts all the same, and complains: shoppers are served until it ends.
func (a *automatic) furnish(ctx context.Context, i *issuing) error {
	err := a.try(a.cfg.Storage)
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

// storage is what the doctor says of that folder. It makes none: it tries the nearest one that is there.
func (r *report) storage(cfg *config.Config) {
	if !cfg.TLS.ACME.Enabled {
		return
	}
	const id, key = "certificates", "tls.acme.storage"
	folder := cfg.TLS.ACME.Storage
	err := tried(existing(folder))
	switch {
	case err == nil:
		r.ok(id, "This user may write to %s %s.", key, folder)
	case errors.Is(err, fs.ErrPermission):
		r.problem(id, "This user may not write to "+key+" "+folder+".", "Run the doctor as the gateway's user, or give that user the folder.")
	default:
		r.problem(id, "Nobody can write to "+key+" "+folder+": "+cause(err)+".", "Name a folder that the gateway may write to, on a volume if it runs in a container.")
	}
}

// existing is the folder, or the first above it that is there.
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
