package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/doctor"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/deploy/wordpress"
)

func wordpressCommand(t terminal) *cobra.Command {
	return group("wordpress", "The WordPress side: the must-use plugin, and its lines in wp-config.php", groupRun, pluginCommand(t), phpConfigCommand(t))
}

func pluginCommand(t terminal) *cobra.Command {
	var installed string
	c := &cobra.Command{
		Use:   "plugin [--check FILE]",
		Short: "Write the must-use plugin that belongs to this gateway, or compare the installed one with it",
		Long: "Writes the must-use plugin that belongs to this gateway to its output. It holds no secret.\n" +
			"The example installs it in wp-content/mu-plugins, where it is to be run, and never leaves half a file there.\n" +
			"With --check it compares the file that is installed; exit code 1 means that it is another one.",
		Example: "  " + wordpress.InstallCommand("cocart-gateway.php"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if installed != "" {
				return t.comparePlugin(installed)
			}
			_, err := t.out.Write(wordpress.Plugin)
			return err
		},
	}
	c.Flags().StringVar(&installed, "check", "", "compare this file")
	return c
}

const maxPlugin = 4 << 20

var pluginVersion = regexp.MustCompile(`(?m)^ \* Version: +(\S+)$`)

func (t terminal) comparePlugin(path string) error {
	theirs, err := readPlugin(path)
	if err != nil {
		return err
	}
	if bytes.Equal(theirs, wordpress.Plugin) {
		_, err = fmt.Fprintf(t.out, "%s is the plugin of this gateway, version %s.\n", path, wordpress.PluginVersion)
		return err
	}
	remedy := "; write it anew: " + wordpress.InstallCommand(path)
	found := pluginVersion.FindSubmatch(theirs)
	switch {
	case found == nil || !bytes.Contains(theirs, []byte("namespace CoCartGateway;")):
		return fmt.Errorf("%s is not the plugin of the gateway", path)
	case doctor.Older(string(found[1]), wordpress.PluginVersion):
		return fmt.Errorf("%s is version %s, older than %s, which belongs to this gateway%s", path, term.Cell(string(found[1])), wordpress.PluginVersion, remedy)
	case doctor.Older(wordpress.PluginVersion, string(found[1])):
		return fmt.Errorf("%s is version %s, newer than %s, which belongs to this gateway; upgrade the gateway, too", path, term.Cell(string(found[1])), wordpress.PluginVersion)
	}
	return fmt.Errorf("%s says that it is version %s, but was changed%s", path, wordpress.PluginVersion, remedy)
}

// readPlugin reads no more than a plugin can have.
func readPlugin(path string) ([]byte, error) {
	text, m := schema.ReadBounded(path, maxPlugin)
	if m != nil {
		return nil, fmt.Errorf("reading the installed plugin: %s: %s", path, m.Value)
	}
	return text, nil
}

func phpConfigCommand(t terminal) *cobra.Command {
	var of shopOf
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the lines for wp-config.php that fit a configuration, the secret among them",
		Long: "Prints the lines for wp-config.php that fit a configuration, the secret among them: mind who sees the screen.\n" +
			"They belong above \"That's all, stop editing!\". COCART_GATEWAY_REQUIRED is commented out: an open shop would\n" +
			"refuse its customers while they still reach it past the gateway.",
		Example: "  cocart-gateway wordpress config",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := t.loadShop(of)
			if err != nil {
				return err
			}
			return writePHPConfig(t.out, cfg)
		},
	}
	return t.takesShop(c, &of)
}

func writePHPConfig(w io.Writer, cfg *config.Config) error {
	secrets := make([]string, 0, len(cfg.Upstream.Secret))
	for _, s := range cfg.Upstream.Secret {
		secrets = append(secrets, wordpress.PHPString(s.Reveal()))
	}
	value := secrets[0]
	if len(secrets) > 1 {
		value = "array( " + strings.Join(secrets, ", ") + " )"
	}
	lines := "define( 'COCART_GATEWAY_SECRET', " + value + " );\n" +
		pick(cfg.Compat.Migration.DryRun,
			"// define( 'COCART_GATEWAY_REQUIRED', true );   // not before the dry run (compat.dry_run) is over: it would shut CoCart\n",
			"// define( 'COCART_GATEWAY_REQUIRED', true );   // remove the leading // once all traffic goes through the gateway: CoCart then refuses what does not\n")
	if names := cfg.Site.Namespaces; len(names) != 1 || names[0] != "cocart" {
		quoted := make([]string, 0, len(names))
		for _, name := range names {
			quoted = append(quoted, wordpress.PHPString(name))
		}
		lines += "define( 'COCART_GATEWAY_NAMESPACES', array( " + strings.Join(quoted, ", ") + " ) );\n"
	}
	_, err := io.WriteString(w, lines)
	return err
}
