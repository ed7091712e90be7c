package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// runnable are the commands that do something, cobra's own left out.
func runnable(c *cobra.Command) (all []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			all = append(all, runnable(sub)...)
		}
	}
	if len(all) == 0 {
		all = append(all, c)
	}
	return all
}

// exampleLines are the examples of all commands as arguments, without what the shell does.
func exampleLines(t *testing.T) [][]string {
	t.Helper()
	var lines [][]string
	for _, c := range runnable(newRoot(terminal{})) {
		if c.Example == "" {
			t.Errorf("%s shows no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			line, _, _ = strings.Cut(line, " < ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(line)
			if !strings.HasPrefix(line, "  "+c.CommandPath()+" ") && strings.TrimSpace(line) != c.CommandPath() {
				t.Errorf("%s has the example of another command: %s", c.CommandPath(), line)
			}
			lines = append(lines, words[1:])
		}
	}
	return lines
}

// Examples are what operators copy: each of them works, on a shop where what it names exists.
func TestEveryExampleWorks(t *testing.T) {
	const at = "/etc/cocart-gateway/"
	d, _ := shopDesk(t)
	wellShop := openPractice(t).write(t)
	for _, words := range exampleLines(t) {
		d.clock.Advance(time.Second) // no login is cut off by an example before it
		pair := d.login(alice)
		d.stdin = strings.NewReader(pair.Access)
		for i, word := range words {
			switch {
			case word == at+"config.yaml":
				words[i] = d.config
			case strings.HasPrefix(word, at):
				words[i] = filepath.Join(t.TempDir(), filepath.Base(word))
			case len(word) == len(pair.Session) && strings.HasPrefix(word, "Aa"):
				words[i] = pair.Session
			}
		}
		if words[0] == "serve" || words[0] == "healthcheck" { // they would serve, and ask who serves
			words = append(words, "--help")
		}
		d.named = d.config
		if words[0] == "doctor" {
			d.named = wellShop
		}
		if got := d.runBare(words...); got.code != exitOK {
			t.Errorf("%s: exit %d: %s", strings.Join(words, " "), got.code, got.stderr)
		}
	}
}

func TestHelpGroupsTheCommands(t *testing.T) {
	d := deskWithoutRedis(t)
	got := d.runBare("--help")
	before := -1
	for _, word := range []string{"Run the gateway:", "  config ", "  serve ", "Look after its customers and keys:", "  keys ", "  sessions ", "  tokens ", "Other:", "  completion ", "  help ", "  version "} {
		at := strings.Index(got.stdout, word)
		if at <= before {
			t.Errorf("%q is not where it belongs:\n%s", word, got.stdout)
		}
		before = at
	}
	for _, c := range runnable(newRoot(terminal{})) {
		words := append(strings.Fields(c.CommandPath())[1:], "--help")
		if got := d.runBare(words...); got.code != exitOK || !strings.Contains(got.stdout, "Examples:\n"+c.Example) {
			t.Errorf("%v: %+v", words, got)
		}
	}
}
