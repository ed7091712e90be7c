package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// companions go into every archive beside the binary, under the names they have
// in the repository, so that what links to one another finds it. nfpm.yaml names
// the same ones.
var companions = []string{
	"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "config.example.yaml",
	"deploy/docs/*.md", "deploy/docs/*.svg", "deploy/docs/configure/*.md", "deploy/docs/openapi/*.yaml", "deploy/browserapp/*.html", "deploy/browserapp/*.js", "deploy/wordpress/*.md", "deploy/wordpress/cocart-gateway.php",
	"deploy/systemd/cocart-gateway.*", "deploy/systemd/*.conf", "deploy/nginx/*.conf", "deploy/caddy/*.Caddyfile", "deploy/cloudflare/README.md",
	"deploy/haproxy/*.cfg", "deploy/apache/*.conf", "deploy/envoy/*.yaml",
	"deploy/prometheus/*.yaml", "deploy/grafana/*.json",
	"deploy/helm/cocart-gateway/*.yaml", "deploy/helm/cocart-gateway/*.json", "deploy/helm/cocart-gateway/.helmignore",
	"deploy/helm/cocart-gateway/templates/*.*", "deploy/helm/cocart-gateway/templates/tests/*.yaml",
	"deploy/compose/*.yaml", "deploy/compose/secrets.sh", "deploy/compose/grafana/*.yaml",
	"gateway/*.md", "tokens/*.md", "tokens/model/*.md",
}

func (r *release) archive(t target, binary string) error {
	name := "cocart-gateway_" + r.version + "_" + t.os + "_" + t.arch
	f, err := os.Create(filepath.Join(r.out, name+".tar.gz"))
	if err != nil {
		return err
	}
	p := r.tarball(f)
	err = addFile(p, name+"/"+program, binary, true)
	for _, pattern := range companions {
		files, bad := filepath.Glob(pattern)
		err = errors.Join(err, bad)
		for _, file := range files {
			err = errors.Join(err, addFile(p, name+"/"+filepath.ToSlash(file), file, strings.HasSuffix(file, ".sh")))
		}
	}
	return errors.Join(err, p.Close(), f.Close())
}

func addFile(p *tarball, name, path string, executable bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return p.add(name, executable, info.Size(), f)
}

type tarball struct {
	*release
	*tar.Writer
	zipped *gzip.Writer
}

func (r *release) tarball(w io.Writer) *tarball {
	zipped := gzip.NewWriter(w)
	return &tarball{r, tar.NewWriter(zipped), zipped}
}

func (b *tarball) add(name string, executable bool, size int64, content io.Reader) error {
	err := b.WriteHeader(&tar.Header{Name: name, Mode: modeOf(executable), Size: size, ModTime: b.time, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = io.Copy(b, content)
	}
	return err
}

func (b *tarball) Close() error { return errors.Join(b.Writer.Close(), b.zipped.Close()) }

func modeOf(executable bool) int64 {
	if executable {
		return 0o755
	}
	return 0o644
}
