package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

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

// manualDate is SOURCE_DATE_EPOCH (reproducible-builds.org) if that is set, and else now. It is in UTC: the pages have the
// month, which at its end is another one elsewhere.
func manualDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return now().UTC(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
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
	date, err := manualDate()
	if err != nil {
		return fmt.Errorf("writing the man pages: %w", err)
	}
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "COCART-GATEWAY", Section: "1", Date: &date, Source: "cocart-gateway " + version, Manual: "cocart-gateway"}, pages); err != nil {
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
