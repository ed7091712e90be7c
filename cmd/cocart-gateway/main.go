// Command cocart-gateway is a reverse proxy in front of a WordPress shop with CoCart. It issues and verifies the tokens of
// the shop, and forwards authenticated requests.
//
// This package has the commands, one file each, and their wiring: flags, environment and signals.
//
//	main.go        exit codes and the terminal; commands.go the tree of commands
//	serve.go       the gateway: start and end; reload.go changes its configuration while it runs
//	shops.go       what each shop has for itself; one shop, or several behind a router
//	wiring.go      turns the configuration into those of the packages
//	operator.go    what commands on sessions, tokens and lockouts share
//	config/        the configuration file
//	server/        listeners, connections, drain, systemd
//	certs/         TLS certificates, from files and by ACME
//	store/         the connection to Redis
//	tracing/       traces for an OpenTelemetry collector; traces.go wires it
//	doctor/        diagnosis
//	filewatch/     notices changed files; logsink/ writes the log; memory/ sets the garbage
//	               collection; term/ tables and times
//
// Package gateway handles requests, package tokens has tokens and sessions, and package upstream talks to WordPress.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"cocart-gateway/cmd/cocart-gateway/term"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was understood, and did not work
	exitUsage  = 2 // it was not understood
	// exitConfig is serve's for a configuration with mistakes (EX_CONFIG of sysexits.h, by which systemctl status shows
	// it): where a port that is taken may be free in a moment, each start ends so until the file is edited.
	exitConfig = 78
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errReported ends a command that has said itself what is wrong.
var errReported = errors.New("reported")

// unfit is a configuration that nothing can be served with.
type unfit struct{ error }

func (u unfit) Unwrap() error { return u.error }

// run is main without the process around it.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	return terminal{env: env, environ: os.Environ, in: os.Stdin, out: stdout, err: stderr, now: now, every: time.Tick}.run(ctx, args)
}

// terminal is what a command knows of the world around it.
type terminal struct {
	env      func(string) (string, bool)
	environ  func() []string // every variable as NAME=value, to find misspelt names
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	every    func(time.Duration) <-chan time.Time // ticks at which watched files are looked at
}

func (t terminal) run(ctx context.Context, args []string) int {
	understood := false
	root := newRoot(t)
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the arguments of the process
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case !understood:
		fmt.Fprintf(t.err, "cocart-gateway: %v\nhint: cocart-gateway help\n", err)
		return exitUsage
	case !errors.Is(err, errReported):
		t.complain(err)
	}
	if errors.As(err, new(unfit)) {
		return exitConfig
	}
	return exitFailed
}

// complain writes why a command failed. Nothing must keep the process from ending: the reader of stderr may have stopped.
func (t terminal) complain(err error) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		fmt.Fprintf(t.err, "cocart-gateway: %v\n", err)
	}()
	select {
	case <-written:
	case <-time.After(logsWithin):
	}
}

// progress shows what a command does that takes longer than a second, if stderr is a terminal. End it before writing anything
// else.
func (t terminal) progress(what string) *term.Progress {
	if t.every == nil || !isTerminal(t.err) {
		return nil
	}
	return term.StartProgress(t.err, t.every(term.ProgressAfter), what)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && xterm.IsTerminal(int(file.Fd()))
}

func pick(claim bool, yes, no string) string {
	if claim {
		return yes
	}
	return no
}
