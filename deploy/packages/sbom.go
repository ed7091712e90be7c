package main

import (
	"context"
	"path/filepath"
)

// billOfMaterials lists, as CycloneDX, the modules that are in a binary and
// their licences. The binary itself is asked, not go.mod: it knows what was
// linked.
func (r *release) billOfMaterials(ctx context.Context, t target, binary string) error {
	file := filepath.Join(r.out, "cocart-gateway_"+r.version+"_"+t.os+"_"+t.arch+".cdx.json")
	_, err := output(ctx, nil, filepath.Join(tools, "cyclonedx-gomod"), "bin",
		"-json", "-licenses", "-noserial", "-notimestamp", "-version", "v"+r.version, "-output", file, binary)
	return err
}
