package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
)

const (
	groupRun     = "run"
	groupOperate = "operate"
	groupOther   = "other"
)

func newRoot(t terminal) *cobra.Command {
	root := group("cocart-gateway", "Tokens and sessions for CoCart shops, in front of WordPress", "", serveCommand(t), configCommand(t), healthCommand(t), doctorCommand(t), wordpressCommand(t),
		sessionsCommand(t), tokensCommand(t), keysCommand(t), lockoutsCommand(t), versionCommand(t))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run the gateway:"}, &cobra.Group{ID: groupOperate, Title: "Look after its customers and keys:"},
		&cobra.Group{ID: groupOther, Title: "Other:"})
	root.SetHelpCommandGroupID(groupOther)
	return root
}

// group is a command that only contains others.
func group(use, short, id string, inside ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, GroupID: id, Args: knownCommand, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.SuggestionsMinimumDistance = 2 // letters; 0 would suggest only what begins alike
	c.AddCommand(inside...)
	return c
}

// knownCommand refuses a command that does not exist and suggests those with a similar name.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := cobra.NoArgs(c, args)
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		return fmt.Errorf("%w; did you mean %s?", err, strings.Join(similar, " or "))
	}
	return err
}

// needsConfig adds --config. It is not cobra's required flag, which is looked at too late to be wrong usage.
func needsConfig(c *cobra.Command, path *string) *cobra.Command {
	c.Flags().StringVarP(path, "config", "c", "", "configuration file (see config.example.yaml)")
	return alsoNeeds(c, func([]string) error {
		if *path == "" {
			return fmt.Errorf("%s needs --config FILE", strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" "))
		}
		return nil
	})
}

// alsoNeeds adds a condition without which a command was not understood.
func alsoNeeds(c *cobra.Command, condition func(args []string) error) *cobra.Command {
	before := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if err := before(c, args); err != nil {
			return err
		}
		return condition(args)
	}
	return c
}

// goodUser is a condition on --user; 0 stands for a flag that was not given.
func goodUser(c *cobra.Command, user int64) error {
	if c.Flags().Changed("user") && user < 1 {
		return errors.New("--user must be the number of a WordPress user")
	}
	return nil
}

func serveCommand(t terminal) *cobra.Command {
	var path string
	return needsConfig(&cobra.Command{
		Use:     "serve --config FILE",
		Short:   "Run the gateway until SIGTERM or SIGINT, which let requests in flight finish",
		Example: "  cocart-gateway serve --config /etc/cocart-gateway/config.yaml",
		GroupID: groupRun,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			from := &configSource{Source: config.NewSource(path, t.env, checkKey)}
			cfg, err := from.Load()
			if err != nil {
				return unfit{err}
			}
			return t.serve(c.Context(), cfg, from)
		},
	}, &path)
}

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

func versionCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, its commit and the Go release it was built with",
		Example: "  cocart-gateway version",
		GroupID: groupOther,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(t.out, buildOf())
			return err
		},
	}
}
