package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func configCommand(t terminal) *cobra.Command {
	var quiet bool
	check := &cobra.Command{
		Use:     "check FILE",
		Short:   "Report every problem of a configuration file, or what it amounts to, secrets hidden",
		Example: "  cocart-gateway config check /etc/cocart-gateway/config.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if quiet {
				_, err := loadConfig(args[0], t.env)
				return err
			}
			if checkConfig(args[0], t.env, t.out, t.err) != exitOK {
				return errReported
			}
			return nil
		},
	}
	check.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing but problems")
	return group("config", "Look at a configuration file", groupRun, check)
}

// checkConfig loads the file at path. It writes every problem to stderr and returns exit code 1, or writes warnings to
// stderr and the effective configuration, secrets redacted, to stdout, and returns exit code 0.
func checkConfig(path string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	c, err := loadConfig(path, env)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	for _, warning := range c.Warnings() {
		fmt.Fprintf(stderr, "%s: warning: %s\n", path, warning)
	}
	text, err := c.YAML()
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s: ok\n%s", path, text)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
