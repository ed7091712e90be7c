// Command packages makes what an operator installs: archives for every
// supported system, .deb and .rpm for Linux, a bill of materials for each, and
// their checksums. "make release" runs it, from the top of the repository.
//
//	main.go      the order of steps; progress.go reports them
//	build.go     the program; target.go the systems it is built for
//	archive.go   .tar.gz; system.go .deb and .rpm; manual.go and changelog.go what belongs in them
//	sbom.go      bills of materials; sums.go checksums; sign.go their signature
//	image.go     the image for containers; chart.go the chart for Kubernetes
//
// Two runs on the same commit with the same Go release give the same bytes,
// wherever the repository lies. Nothing is sent anywhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"aead.dev/minisign"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1) //nolint:gocritic // stop only gives the signals back
	}
}

func command(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("packages", flag.ExitOnError)
	version := flags.String("version", "", "the version to stamp, as in CHANGELOG.md: 1.2.3")
	out := flags.String("out", "dist", "the folder to write to, emptied first")
	only := flags.String("only", "", "one target instead of all: linux/amd64")
	key := flags.String("sign-key", "", "a secret key of minisign that signs the checksums; "+passwordVariable+" has its password")
	image := flags.String("image", "", "the name of an image to build instead, in a folder of its own: -out dist/image")
	platforms := flags.String("arch", runtime.GOARCH, "the processors of the image: amd64,arm64")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := newRelease(ctx, *version, *out)
	if err != nil {
		return err
	}
	if *image != "" {
		return r.image(ctx, *image, strings.Split(*platforms, ","))
	}
	if r.key, err = signingKey(*key); err != nil {
		return err
	}
	targets, err := chosen(*only)
	if err != nil {
		return err
	}
	return r.make(ctx, targets)
}

// release is one run: what is stamped into its files, and where they go.
type release struct {
	version, revision string
	out               string
	time              time.Time            // of the commit; every file gets it, so that runs on other days are equal
	key               *minisign.PrivateKey // nil: nothing is signed
}

var goodVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)

func newRelease(ctx context.Context, version, out string) (*release, error) {
	if !goodVersion.MatchString(version) {
		return nil, fmt.Errorf("%q is no version like 1.2.3: make release VERSION=1.2.3", version)
	}
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	if base, _, _ := strings.Cut(version, "-"); !strings.Contains(string(changes), "\n## "+base+" ") {
		return nil, fmt.Errorf("CHANGELOG.md says nothing of version %s", base)
	}
	r := &release{version: version, out: out}
	r.revision, r.time, err = commit(ctx)
	return r, err
}

func (r *release) make(ctx context.Context, targets []target) error {
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.out, "build"), 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	p := progressOf(len(targets)+2, os.Stdout, time.Now)
	// The first program that is ready has compiled what the one that writes the manual is linked from, if it is for this machine.
	beside := sync.OnceValue(func() error {
		return p.step("manual and chart", func() error {
			return errors.Join(r.manual(ctx), changelog(r.manualDir(), r.version, r.time), r.chart())
		})
	})
	err := forEach(ctx, ownFirst(targets), func(ctx context.Context, t target) error {
		return p.step(t.String(), func() error { return r.makeFor(ctx, t, beside) })
	})
	if err != nil {
		return err
	}
	return p.step("checksums", func() error { return errors.Join(r.sums(), r.sign()) })
}

// makeFor makes what a release has for one system. Packages and archives hold the manual, which beside makes or waits for.
func (r *release) makeFor(ctx context.Context, t target, beside func() error) error {
	binary, err := r.build(ctx, t)
	if err != nil {
		return err
	}
	if err := beside(); err != nil {
		return err
	}
	if err := r.archive(t, binary); err != nil {
		return err
	}
	if err := r.billOfMaterials(ctx, t, binary); err != nil {
		return err
	}
	if t.os == "linux" {
		return r.systemPackages(ctx, t, binary)
	}
	return nil
}
