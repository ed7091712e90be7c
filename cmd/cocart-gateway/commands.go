package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
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
