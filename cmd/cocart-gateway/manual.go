package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manualCommand writes what the packages install beside the program, made of the commands themselves. It is hidden, because
// an operator has the pages installed.
func manualCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "manual DIR",
		Short:   "Write the man pages and the completions of bash, zsh and fish into a folder",
		Example: "  cocart-gateway manual /tmp/manual",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return writeManual(c.Root(), args[0]) },
	}
}

// writeManual writes man/*.1, dated by SOURCE_DATE_EPOCH if that is set, and completions under the names that each shell
// looks for.
func writeManual(root *cobra.Command, dir string) error {
	pages := filepath.Join(dir, "man")
	completions := map[string]func(string) error{
		"bash/cocart-gateway":      func(file string) error { return root.GenBashCompletionFileV2(file, true) },
		"zsh/_cocart-gateway":      root.GenZshCompletionFile,
		"fish/cocart-gateway.fish": func(file string) error { return root.GenFishCompletionFile(file, true) },
	}
	if err := os.MkdirAll(pages, 0o755); err != nil { //nolint:gosec // for every user to read
		return fmt.Errorf("writing the man pages: %w", err)
	}
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "COCART-GATEWAY", Section: "1", Source: "cocart-gateway " + version, Manual: "cocart-gateway"}, pages); err != nil {
		return fmt.Errorf("writing the man pages: %w", err)
	}
	for name, write := range completions {
		file := filepath.Join(dir, "completions", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // for every user to read
			return fmt.Errorf("writing the completions: %w", err)
		}
		if err := write(file); err != nil {
			return fmt.Errorf("writing the completions: %w", err)
		}
	}
	return nil
}
