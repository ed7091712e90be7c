package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// chartDir is the Helm chart.
const chartDir = "deploy/helm/cocart-gateway"

var chartVersions = regexp.MustCompile(`(?m)^(version|appVersion): .*$`)

// chart packs the Helm chart with the version of the release, as "helm package" does, but with the same bytes each time.
func (r *release) chart() error {
	f, err := os.Create(filepath.Join(r.out, "cocart-gateway-"+r.version+".tgz"))
	if err != nil {
		return err
	}
	p := r.tarball(f)
	files := os.DirFS(chartDir)
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error { // in the order of names
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if d.Name() == "Chart.yaml" {
			text = chartVersions.ReplaceAll(text, []byte("${1}: "+r.version))
		}
		return p.add(path.Join(path.Base(chartDir), name), false, int64(len(text)), bytes.NewReader(text))
	})
	return errors.Join(err, p.Close(), f.Close())
}
