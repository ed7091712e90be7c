// Command demo is what "make run" calls: it brings up a shop on this machine, or takes one that
// exists, puts the gateway in front of it, and says how to log in, shop and refresh.
//
//	go run ./deploy/demo -gateway bin/cocart-gateway
//
// It stays in the foreground until Ctrl-C, and ends everything it has started.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"cocart-gateway/deploy/browserapp"
	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/deploy/demo/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is main with its surroundings handed in. It returns the exit code: 0 after Ctrl-C, 1 when
// something did not work, 2 for a wrong command line.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	options, err := parseOptions(args, getenv, stderr)
	if err != nil {
		return 2
	}
	demo := &demo{options: options, out: stdout, began: time.Now(), died: make(chan error, 1)}
	err = demo.run(ctx)
	if problem := demo.stop(); err == nil {
		err = problem
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(stderr, "\n%v\n", err)
		return 1
	}
	return 0
}

// demo is what runs at the moment.
type demo struct {
	options options
	out     io.Writer
	began   time.Time
	shop    *shop.Shop
	gateway *child.Process
	died    chan error // the gateway's
}

func (d *demo) run(ctx context.Context) error {
	if err := d.options.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.options.dir, 0o755); err != nil {
		return fmt.Errorf("creating the demo's directory: %w", err)
	}
	secrets, err := loadSecrets(filepath.Join(d.options.dir, "gateway"))
	if err != nil {
		return err
	}
	if err := keepAdminToken(d.options.adminTokenFile()); err != nil {
		return err
	}
	site, err := d.openShop(ctx, secrets)
	if err != nil {
		return err
	}
	if err := d.startGateway(ctx, site, secrets); err != nil {
		return err
	}
	d.invite()
	return d.wait(ctx)
}

// openShop starts our own shop, or asks the given one what it believes to be.
func (d *demo) openShop(ctx context.Context, secrets secrets) (site, error) {
	if d.options.upstream != "" {
		d.explainPlugin(secrets)
		return d.existingSite(ctx, d.options.upstream)
	}
	plugin, err := os.ReadFile(d.options.plugin)
	if err != nil {
		return site{}, fmt.Errorf("reading the must-use plugin: %w", err)
	}
	d.shop, err = shop.Start(ctx, shop.Config{
		Dir:     filepath.Join(d.options.dir, "shop"),
		SiteURL: d.options.address(),
		Secret:  secrets.Upstream, Required: true, Plugin: plugin,
		// Over plain HTTP, CoCart looks at passwords on a local site only.
		Environment: "local",
		Pages:       map[string]fs.FS{"browserapp": browserapp.Files},
		Progress:    d.progress,
	})
	if err != nil {
		return site{}, err
	}
	return site{upstream: d.shop.URL, home: d.options.address()}, nil
}

// wait returns when Ctrl-C came, or with the reason why something ended by itself.
func (d *demo) wait(ctx context.Context) error {
	var shopDied <-chan error
	if d.shop != nil {
		shopDied = d.shop.Died()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.died:
		return err
	case err := <-shopDied:
		return err
	}
}

// stop ends the gateway first: it drains requests that the shop still has to answer.
func (d *demo) stop() error {
	if d.gateway != nil || d.shop != nil {
		d.progress("stopping")
	}
	err := d.gateway.Stop()
	if d.shop != nil {
		err = errors.Join(err, d.shop.Stop())
	}
	return err
}

func (d *demo) progress(what string) {
	fmt.Fprintf(d.out, "%5.1f s  %s\n", time.Since(d.began).Seconds(), what)
}
