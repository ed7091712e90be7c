package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strconv"
)

// manual writes the man pages and the completions, which the program makes of its own commands.
func (r *release) manual(ctx context.Context) error {
	dir := r.manualDir()
	// With the flags and variables of build, so that the go command compiles each package for this machine once.
	env := append(buildEnvironment(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.time.Unix(), 10))
	if _, err := output(ctx, env, "go", "run", "-trimpath", "-buildvcs=false", noDebugging, "-ldflags", "-X main.version="+r.version, "./cmd/cocart-gateway", "manual", dir); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(dir, "man", "*.1"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := compress(page); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) manualDir() string { return filepath.Join(r.out, "build", "manual") }

// compress replaces a page by page.gz, as Debian requires it (policy 12.1). The header has neither name nor time, so that the
// same page is the same file.
func compress(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(page+".gz", packed.Bytes(), 0o644); err != nil { //nolint:gosec // for every user to read
		return err
	}
	return os.Remove(page)
}
