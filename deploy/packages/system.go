package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
)

// tools is where make builds nfpm and cyclonedx-gomod, from the versions that
// tools/go.mod names.
const tools = ".tools"

// systemPackages writes the .deb and the .rpm.
func (r *release) systemPackages(ctx context.Context, t target, binary string) error {
	// nfpm takes the modes of files from the disk where nfpm.yaml names none: a clone with another umask differs.
	env := []string{"VERSION=" + r.version, "ARCH=" + t.arch, "BINARY=" + binary, "MANUAL=" + r.manualDir(),
		"SOURCE_DATE_EPOCH=" + strconv.FormatInt(r.time.Unix(), 10)}
	for _, kind := range []string{"deb", "rpm"} {
		_, err := output(ctx, env, filepath.Join(tools, "nfpm"), "package",
			"--config", "deploy/packages/nfpm.yaml", "--packager", kind, "--target", r.out+string(os.PathSeparator))
		if err != nil {
			return err
		}
	}
	return nil
}
