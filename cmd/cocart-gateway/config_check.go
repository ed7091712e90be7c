package main

import (
	"fmt"
	"io"
)

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
