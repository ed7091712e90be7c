package main

import (
	"fmt"
	"io"
)

// checkConfig loads the file at path and tells an operator about it: every problem on stderr and exit code 1, or
// warnings on stderr, the effective configuration without its secrets on stdout, and exit code 0.
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
