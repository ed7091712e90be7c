package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/deploy/wordpress"
)

func TestThePluginIsWrittenByteForByte(t *testing.T) {
	if code, said := command(t, "wordpress", "plugin"); code != exitOK || said != string(wordpress.Plugin) {
		t.Errorf("exit %d, %d bytes instead of %d", code, len(said), len(wordpress.Plugin))
	}
}

func TestAnInstalledPluginIsCompared(t *testing.T) {
	versioned := func(v string) string {
		return strings.Replace(string(wordpress.Plugin), "Version:           "+wordpress.PluginVersion, "Version:           "+v, 1)
	}
	for name, row := range map[string]struct {
		installed string
		code      int
		want      string
	}{
		"the same": {string(wordpress.Plugin), exitOK, "FILE is the plugin of this gateway, version 1.3.0.\n"},
		"older": {versioned("0.9.12"), exitFailed,
			"cocart-gateway: FILE is version 0.9.12, older than 1.3.0, which belongs to this gateway; write it anew: cocart-gateway wordpress plugin > FILE.new && chmod 644 FILE.new && mv FILE.new FILE\n"},
		"newer":   {versioned("1.10.0"), exitFailed, "cocart-gateway: FILE is version 1.10.0, newer than 1.3.0, which belongs to this gateway; upgrade the gateway, too\n"},
		"changed": {string(wordpress.Plugin) + "\n", exitFailed, "cocart-gateway: FILE says that it is version 1.3.0, but was changed; write it anew: cocart-gateway wordpress plugin > FILE.new && chmod 644 FILE.new && mv FILE.new FILE\n"},
		"another": {"<?php\n/**\n * Version: 1.0.0\n */", exitFailed, "cocart-gateway: FILE is not the plugin of the gateway\n"},
	} {
		file := filepath.Join(t.TempDir(), "cocart-gateway.php")
		if err := os.WriteFile(file, []byte(row.installed), 0o600); err != nil {
			t.Fatal(err)
		}
		code, said := command(t, "wordpress", "plugin", "--check", file)
		if said = strings.ReplaceAll(said, file, "FILE"); code != row.code || said != row.want {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
	}
	if code, said := command(t, "wordpress", "plugin", "--check", "/nonexistent.php"); code != exitFailed || said != "cocart-gateway: reading the installed plugin: /nonexistent.php: the file cannot be read: no such file or directory\n" {
		t.Errorf("exit %d: %s", code, said)
	}
}

// Of an empty file, or of half of one, WordPress would say nothing at all.
func TestThePluginIsReplacedAtOnceOrNotAtAll(t *testing.T) {
	for name, row := range map[string]struct{ gateway, want string }{
		"a command that fails half way": {"#!/bin/sh\necho '<?php // half'; exit 1\n", "the old one"},
		"one that works":                {"#!/bin/sh\necho '<?php // whole'\n", "<?php // whole\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "cocart-gateway.php")
			write := func(name, text string, mode os.FileMode) {
				if err := os.WriteFile(name, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			write(file, "the old one", 0o644)
			write(filepath.Join(dir, "cocart-gateway"), row.gateway, 0o755)
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "umask 077; "+wordpress.InstallCommand(file))
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
			_ = cmd.Run() // the first row fails
			text, err := os.ReadFile(file)
			if err != nil || string(text) != row.want {
				t.Errorf("%q, %v", text, err)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("PHP may not read it: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestTheLinesForWPConfigFitTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := `
upstream: {url: "http://127.0.0.1:8000", secret: ["a new secret with ' and \\ in it, 32 bytes", "the old secret of these tests, 32 bytes"]}
site: {url: "https://shop.example", namespaces: [cocart, mystore]}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, said := command(t, "wordpress", "config", "--config", file)
	want := `define( 'COCART_GATEWAY_SECRET', array( 'a new secret with \' and \\ in it, 32 bytes', 'the old secret of these tests, 32 bytes' ) );
// define( 'COCART_GATEWAY_REQUIRED', true );   // remove the leading // once all traffic goes through the gateway: CoCart then refuses what does not
define( 'COCART_GATEWAY_NAMESPACES', array( 'cocart', 'mystore' ) );
`
	if code != exitOK || said != want {
		t.Errorf("exit %d: %s", code, said)
	}
	if err := os.WriteFile(file, []byte(text+"compat: {dry_run: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, said = command(t, "wordpress", "config", "--config", file)
	if want := "// define( 'COCART_GATEWAY_REQUIRED', true );   // not before the dry run (compat.dry_run) is over: it would shut CoCart\n"; !strings.Contains(said, "\n"+want) {
		t.Errorf("in a dry run: %s", said)
	}
}
