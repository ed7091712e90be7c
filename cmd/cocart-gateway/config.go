package main

import (
	"cmp"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func configCommand(t terminal) *cobra.Command {
	var path string
	var quiet bool
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every problem of a configuration, or what it amounts to, secrets hidden",
		Long: "Report every problem of a configuration, or what it amounts to, secrets hidden. The configuration is written to\n" +
			"stdout, problems, warnings and the verdict to stderr. Each key can also be a variable of the environment:\n" +
			schema.Variable("tokens.access_ttl") + " replaces tokens.access_ttl of the file.",
		Example: "  cocart-gateway config check\n" +
			"  cocart-gateway config check /etc/cocart-gateway/config.yaml",
		Args: cobra.MaximumNArgs(1),
		RunE: func(*cobra.Command, []string) error {
			if quiet {
				_, err := loadConfig(path, t.env)
				return err
			}
			if t.checkConfig(path) != exitOK {
				return errReported
			}
			return nil
		},
	}
	check.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing but problems")
	t.takesConfig(check, &path)
	alsoNeeds(check, func(args []string) error {
		switch {
		case len(args) == 0:
		case check.Flags().Changed("config"):
			return errors.New("config check takes one file: FILE or --config FILE")
		default:
			path = args[0]
		}
		return nil
	})
	return group("config", "Look at a configuration file", groupRun, check)
}

// checkConfig writes every problem to stderr and returns exit code 1, or writes the effective configuration, secrets redacted,
// to stdout, and returns exit code 0. Warnings and the verdict are on stderr: they come last, where a terminal shows them below
// a long configuration, and stdout is a configuration file.
func (t terminal) checkConfig(path string) int {
	c, err := loadConfig(path, t.env)
	if err != nil {
		fmt.Fprintln(t.err, err)
		return 1
	}
	text, err := c.YAML()
	if err == nil {
		_, err = t.out.Write(text)
	}
	if err != nil {
		fmt.Fprintln(t.err, err)
		return 1
	}
	path = cmp.Or(path, "environment")
	warnings := append(c.Warnings(), t.misspelt()...)
	for _, warning := range warnings {
		fmt.Fprintf(t.err, "%s: warning: %s\n", path, warning)
	}
	verdict := "ok"
	switch len(warnings) {
	case 0:
	case 1:
		verdict = "ok, with 1 warning"
	default:
		verdict = fmt.Sprintf("ok, with %d warnings", len(warnings))
	}
	fmt.Fprintf(t.err, "%s: %s\n", path, verdict)
	return 0
}

func (t terminal) misspelt() []string {
	if t.environ == nil {
		return nil
	}
	return config.Misspelt(t.environ())
}
