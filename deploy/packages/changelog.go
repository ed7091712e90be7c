package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// maintainer is that of nfpm.yaml.
const maintainer = "The cocart-gateway maintainers <maintainers@cocart-gateway.invalid>"

// changelog writes the changelog that Debian requires of a package (policy 12.7) into a folder. The changes are in
// CHANGELOG.md, which is installed beside it.
func changelog(dir, version string, at time.Time) error {
	text := fmt.Sprintf("cocart-gateway (%s) stable; urgency=medium\n\n  * The changes are in CHANGELOG.md.\n\n -- %s  %s\n",
		version, maintainer, at.Format(time.RFC1123Z))
	file := filepath.Join(dir, "changelog")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // for every user to read
		return err
	}
	return compress(file)
}
