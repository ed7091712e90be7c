package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// companions go into every archive beside the binary, under the names they have
// in the repository.
var companions = []string{"LICENSE", "README.md", "CHANGELOG.md", "config.example.yaml", "deploy/wordpress/cocart-gateway.php"}

// packer is what tar and zip have in common here.
type packer interface {
	add(name string, executable bool, size int64, content io.Reader) error
	io.Closer
}

func (r *release) archive(t target, binary string) error {
	name := "cocart-gateway_" + r.version + "_" + t.os + "_" + t.arch
	open, suffix := r.tarball, ".tar.gz"
	if t.os == "windows" {
		open, suffix = r.zipball, ".zip"
	}
	f, err := os.Create(filepath.Join(r.out, name+suffix))
	if err != nil {
		return err
	}
	p := open(f)
	err = addFile(p, name+"/"+t.program(), binary, true)
	for _, file := range companions {
		err = errors.Join(err, addFile(p, name+"/"+filepath.Base(file), file, false))
	}
	return errors.Join(err, p.Close(), f.Close())
}

func addFile(p packer, name, path string, executable bool) error {
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

func (r *release) tarball(w io.Writer) packer {
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

type zipball struct {
	*release
	*zip.Writer
}

func (r *release) zipball(w io.Writer) packer { return &zipball{r, zip.NewWriter(w)} }

func (b *zipball) add(name string, executable bool, _ int64, content io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.time}
	header.SetMode(os.FileMode(modeOf(executable)))
	w, err := b.CreateHeader(header)
	if err == nil {
		_, err = io.Copy(w, content)
	}
	return err
}

func modeOf(executable bool) int64 {
	if executable {
		return 0o755
	}
	return 0o644
}
