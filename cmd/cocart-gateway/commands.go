package main

import (
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	groupRun     = "run"
	groupOperate = "operate"
	groupOther   = "other"
)

func newRoot(t terminal) *cobra.Command {
	root := group("cocart-gateway", "Tokens and sessions for CoCart shops, in front of WordPress", "", serveCommand(t), configCommand(t), healthCommand(t), doctorCommand(t), wordpressCommand(t),
		sessionsCommand(t), tokensCommand(t), keysCommand(t), lockoutsCommand(t), versionCommand(t), manualCommand())
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = buildOf().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(similarFlag)
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run the gateway:"}, &cobra.Group{ID: groupOperate, Title: "Look after its customers and keys:"},
		&cobra.Group{ID: groupOther, Title: "Other:"})
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
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

const (
	defaultConfig  = "/etc/cocart-gateway/config.yaml" // where the packages put it
	configVariable = "COCART_GATEWAY_CONFIG"
)

// takesConfig adds --config. Without it the file is the one that COCART_GATEWAY_CONFIG names, or else that of the packages,
// or else the environment is the whole configuration. Then path is "".
func (t terminal) takesConfig(c *cobra.Command, path *string) *cobra.Command {
	c.Flags().StringVarP(path, "config", "c", "", "configuration file (default: $"+configVariable+", or else "+defaultConfig+")")
	_ = c.MarkFlagFilename("config", "yaml", "yml") // the flag exists
	return alsoNeeds(c, func([]string) error {
		if !c.Flags().Changed("config") {
			*path = t.configFile(defaultConfig)
		}
		return nil
	})
}

// shopOf is the configuration that a command works on: a file, and the shop in it.
type shopOf struct {
	path string // "": the environment is the configuration
	shop string // "": the only one
}

// takesShop adds --config and --shop.
func (t terminal) takesShop(c *cobra.Command, of *shopOf) *cobra.Command {
	c.Flags().StringVar(&of.shop, "shop", "", "the name of the shop, where the configuration has several")
	return t.takesConfig(c, &of.path)
}

// loadShop loads the configuration of one shop. The error names the shops if --shop names none of them.
func (t terminal) loadShop(of shopOf) (*config.Config, error) {
	cfg, err := loadConfig(of.path, t.env)
	if err != nil {
		return nil, err
	}
	if cfg, err = cfg.Shop(of.shop); err != nil {
		return nil, fmt.Errorf("--shop: %w", err)
	}
	return cfg, nil
}

func (t terminal) configFile(packaged string) string {
	if named, _ := t.env(configVariable); named != "" {
		return named
	}
	_, err := os.Stat(packaged)
	_, one := t.env(schema.Variable("upstream.url"))
	_, several := t.env(schema.Variable("shops"))
	if errors.Is(err, fs.ErrNotExist) && (one || several) {
		return ""
	}
	return packaged
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

// similarFlag adds to the error of an unknown flag the one with a similar name.
func similarFlag(c *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := schema.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
