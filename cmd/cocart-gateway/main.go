// Command cocart-gateway stands in front of a WordPress shop with CoCart, hands
// out and judges its tokens, and forwards the rest.
//
// This package is where the rooms are built and joined: the only one that knows
// YAML, flags, environment and signals. What happens to a request is in package
// gateway, what a token is worth in package tokens, how WordPress is spoken to
// in package upstream.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was understood, and did not work
	exitUsage  = 2 // it was not understood
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

// run is main without the process around it.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	understood := false
	root := newRoot(env, stdout, stderr)
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case !understood:
		fmt.Fprintf(stderr, "cocart-gateway: %v\nhint: cocart-gateway help\n", err)
		return exitUsage
	case !errors.Is(err, errReported):
		fmt.Fprintf(stderr, "cocart-gateway: %v\n", err)
	}
	return exitFailed
}

func newRoot(env func(string) (string, bool), stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "cocart-gateway",
		Short:         "Tokens and sessions for CoCart shops, in front of WordPress",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(serveCommand(env, stderr), configCommand(env, stdout, stderr), versionCommand(stdout))
	root.AddCommand(lockoutsCommand(env, stdout))
	return root
}

func serveCommand(env func(string) (string, bool), stderr io.Writer) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:     "serve --config FILE",
		Short:   "Run the gateway until SIGTERM or SIGINT, which let requests in flight finish",
		Example: "  cocart-gateway serve --config /etc/cocart-gateway/config.yaml",
		Args: func(c *cobra.Command, args []string) error {
			if path == "" { // not cobra's required flag: it is looked at too late to be wrong usage
				return errors.New("serve needs --config FILE")
			}
			return cobra.NoArgs(c, args)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path, env)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, stderr)
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "", "configuration file (see config.example.yaml)")
	return c
}

func configCommand(env func(string) (string, bool), stdout, stderr io.Writer) *cobra.Command {
	group := &cobra.Command{
		Use:   "config",
		Short: "Look at a configuration file",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	group.AddCommand(&cobra.Command{
		Use:     "check FILE",
		Short:   "Report every problem of a configuration file, or what it amounts to, secrets hidden",
		Example: "  cocart-gateway config check /etc/cocart-gateway/config.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if checkConfig(args[0], env, stdout, stderr) != exitOK {
				return errReported
			}
			return nil
		},
	})
	return group
}

func versionCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, its commit and the Go release it was built with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(stdout, buildOf())
			return err
		},
	}
}
