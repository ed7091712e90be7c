package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// explainsItself uses the installed man pages and completions as an operator does. zsh is the folder in which the zsh of the
// system looks for completions.
func (m *machine) explainsItself(zsh string) {
	m.t.Helper()
	m.t.Run("man pages", m.hasAPageForEachCommand)
	for _, row := range []struct{ shell, folder, script string }{
		{"bash", "usr/share", `XDG_DATA_DIRS=$0; . /usr/share/bash-completion/bash_completion; __load_completion cocart-gateway
COMP_LINE="cocart-gateway keys ro"; COMP_WORDS=(cocart-gateway keys ro); COMP_CWORD=2 COMP_POINT=${#COMP_LINE} COMP_TYPE=63
__start_cocart-gateway cocart-gateway ro keys; printf '%s\n' "${COMPREPLY[@]}"`},
		{"fish", "usr/share/fish/vendor_completions.d", `set -p fish_complete_path $argv[1]; complete -C "cocart-gateway keys ro"`},
		// zsh completes only for a terminal: this says which function it would call, and loads that.
		{"zsh", zsh, `fpath=($0 $fpath); autoload -Uz compinit; compinit -u -D; autoload +X $_comps[cocart-gateway]
functions $_comps[cocart-gateway] >/dev/null && [[ $_comps[cocart-gateway] = _cocart-gateway ]] && echo rotate`},
	} {
		m.t.Run(row.shell, func(t *testing.T) {
			got := complete(t, m, row.shell, row.script, m.path(row.folder))
			if first, _, _ := strings.Cut(got, "\t"); strings.TrimSpace(first) != "rotate" {
				t.Errorf("the completion of %q is %q", "cocart-gateway keys ro", got)
			}
		})
	}
}

// hasAPageForEachCommand compares the pages with the commands of the installed program, and has man show each.
func (m *machine) hasAPageForEachCommand(t *testing.T) {
	pages := t.TempDir()
	said(t, m.path(ourProgram), "manual", pages)
	want, _ := filepath.Glob(filepath.Join(pages, "man", "*.1")) // the pattern is well formed
	for i, page := range want {
		want[i] = filepath.Base(page) + ".gz"
	}
	got, _ := filepath.Glob(m.path("usr/share/man/man1/cocart-gateway*"))
	for i, page := range got {
		got[i] = filepath.Base(page)
	}
	if !slices.Equal(got, want) || len(got) < 20 {
		t.Errorf("the pages are %v\nwant %v", got, want)
	}
	for _, page := range got {
		show := exec.CommandContext(t.Context(), "man", "--warnings", strings.TrimSuffix(page, ".1.gz"))
		show.Env = append(os.Environ(), "MANPATH="+m.path("usr/share/man"), "LC_ALL=C.UTF-8", "MAN_KEEP_STDERR=1", "MANWIDTH=100")
		var complaints strings.Builder
		show.Stderr = &complaints
		text, err := show.Output()
		if err != nil || complaints.Len() > 0 || !strings.Contains(string(text), "SYNOPSIS") {
			t.Errorf("%s: %v, %s\n%.300s", page, err, complaints.String(), text)
		}
	}
}

// complete runs a script in a shell that finds the installed program. Its first argument is folder.
func complete(t *testing.T, m *machine, shell, script, folder string) string {
	t.Helper()
	programs := t.TempDir() // only this one of the machine
	if err := os.Symlink(m.path(ourProgram), filepath.Join(programs, "cocart-gateway")); err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{"bash": {"--norc"}, "fish": {"--no-config"}, "zsh": {"-f"}}[shell]
	cmd := exec.CommandContext(t.Context(), shell, append(args, "-c", script, folder)...)
	cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
	var complaints strings.Builder // bash says there that no person completes
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\nIs it installed? deploy/demo/install.sh packages", shell, err, complaints.String())
	}
	return string(text)
}
