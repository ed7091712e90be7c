package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a machine must have for dpkg and our scripts: with systemd, and without.
var (
	withSystemd    = []string{"dpkg", "dash", "coreutils", "libc-bin", "passwd", "grep", "sed", "tar", "systemd", "procps"}
	withoutSystemd = []string{"dpkg", "dash", "coreutils", "libc-bin", "passwd", "grep", "sed", "tar"}
)

func dpkg(m *machine, words ...string) []string {
	return append([]string{"dpkg", "--root=" + m.root, "--log=/dev/null"}, words...)
}

// released is the package of the release.
func released(kind string) string {
	files, _ := filepath.Glob(filepath.Join(made, "*."+kind)) // the pattern is well formed
	return strings.Join(files, " ")
}

const (
	ourConfig    = "etc/cocart-gateway/config.yaml"
	ourSecret    = "etc/cocart-gateway/upstream.secret"
	ourProgram   = "usr/bin/cocart-gateway"
	configInside = "/" + ourConfig
)

// TestDebFromInstallationToPurge is the life of the package on one machine.
func TestDebFromInstallationToPurge(t *testing.T) {
	m := newMachine(t, withSystemd...)
	m.recordSystemctl()

	m.ok(dpkg(m, "--install", released("deb"))...)
	m.isInstalled()
	m.explainsItself("usr/share/zsh/vendor-completions")
	m.is("complaints of systemd-analyze verify", m.ok("systemd-analyze", "verify", "--root="+m.root,
		"/usr/lib/systemd/system/cocart-gateway.service", "/usr/lib/systemd/system/cocart-gateway.socket"), "")
	if told := m.told(); told != "daemon-reload\n" {
		t.Errorf("an installation must start and enable nothing, and told systemd:\n%s", told)
	}
	m.needsTwoLines()
	m.fillIn()
	before := m.read(ourConfig) + m.read(ourSecret)

	m.ok(dpkg(m, "--install", packageOf(t, "deb", "0.2.0", ""))...)
	if told := m.told(); told != "daemon-reload\ntry-restart cocart-gateway.service\n" {
		t.Errorf("an upgrade told systemd:\n%s", told)
	}
	if m.read(ourConfig)+m.read(ourSecret) != before {
		t.Error("an upgrade changed the administrator's configuration or secret")
	}
	m.asksBeforeItReplacesTheConfiguration(before)

	m.told()
	m.ok(dpkg(m, "--remove", "cocart-gateway")...)
	if told := m.told(); told != "--no-reload disable --now cocart-gateway.socket cocart-gateway.service\ndaemon-reload\n" {
		t.Errorf("a removal told systemd:\n%s", told)
	}
	if m.has(ourProgram) || m.read(ourConfig)+m.read(ourSecret) != before {
		t.Error("a removal must take the program away and leave the configuration")
	}

	m.must(os.MkdirAll(m.path("var/lib/cocart-gateway/acme"), 0o700))
	m.ok(dpkg(m, "--purge", "cocart-gateway")...)
	for _, left := range []string{"etc/cocart-gateway", "var/lib/cocart-gateway", "usr/share/doc/cocart-gateway", "usr/lib/cocart-gateway"} {
		if m.has(left) {
			t.Errorf("purged, and %s is still there", left)
		}
	}
}

// Debian's own checker finds no error and no warning. The package has the exceptions, each with its reason
// (deb/lintian-overrides).
func TestDebSatisfiesLintian(t *testing.T) {
	text := said(t, "lintian", "--allow-root", "--fail-on", "error,warning", released("deb"))
	if text != "" {
		t.Errorf("lintian says\n%s", text)
	}
}

// A container, or a system with another init.
func TestDebOnAMachineWithoutSystemd(t *testing.T) {
	m := newMachine(t, withoutSystemd...)
	m.ok(dpkg(m, "--install", released("deb"))...)
	m.isInstalled()
	m.fillIn()
	m.ok(dpkg(m, "--install", packageOf(t, "deb", "0.2.0", ""))...)
	m.ok(dpkg(m, "--purge", "cocart-gateway")...)
	if m.has("etc/cocart-gateway") {
		t.Error("purged, and the configuration is still there")
	}
}

// isInstalled compares what matters with what is there: type and mode, owner,
// and where it is. The account differs from machine to machine only by number.
func (m *machine) isInstalled() {
	m.t.Helper()
	m.is("files", m.ok("chroot", m.root, "sh", "-c", `stat -c '%A %U:%G %n' /usr/bin/cocart-gateway /usr/lib/cocart-gateway/prepare \
		/usr/lib/systemd/system/cocart-gateway.service /usr/lib/systemd/system/cocart-gateway.socket \
		/usr/lib/sysusers.d/cocart-gateway.conf /usr/share/cocart-gateway/cocart-gateway.php \
		/usr/share/doc/cocart-gateway/config.example.yaml /usr/share/doc/cocart-gateway/copyright \
		/etc/cocart-gateway /etc/cocart-gateway/*`), `-rwxr-xr-x root:root /usr/bin/cocart-gateway
-rwxr-xr-x root:root /usr/lib/cocart-gateway/prepare
-rw-r--r-- root:root /usr/lib/systemd/system/cocart-gateway.service
-rw-r--r-- root:root /usr/lib/systemd/system/cocart-gateway.socket
-rw-r--r-- root:root /usr/lib/sysusers.d/cocart-gateway.conf
-rw-r--r-- root:root /usr/share/cocart-gateway/cocart-gateway.php
-rw-r--r-- root:root /usr/share/doc/cocart-gateway/config.example.yaml
-rw-r--r-- root:root /usr/share/doc/cocart-gateway/copyright
drwxr-x--- root:cocart-gateway /etc/cocart-gateway
-rw-r----- root:cocart-gateway /etc/cocart-gateway/config.yaml
-rw-r----- root:cocart-gateway /etc/cocart-gateway/signing-key.secret
-rw-r----- root:cocart-gateway /etc/cocart-gateway/upstream.secret
`)
	m.is("account", regexp.MustCompile(`:[0-9]+:[0-9]+:`).ReplaceAllString(m.ok("chroot", m.root, "getent", "passwd", "cocart-gateway"), ":n:n:"),
		"cocart-gateway:x:n:n:cocart-gateway:/var/lib/cocart-gateway:/usr/sbin/nologin\n")
	secret, other := m.read(ourSecret), m.read("etc/cocart-gateway/signing-key.secret")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(secret) || len(other) != 64 || other == secret {
		m.t.Error("the two secrets made at installation are not two random numbers of 256 bits")
	}
	if plugin, err := os.ReadFile("deploy/wordpress/cocart-gateway.php"); err != nil || m.read("usr/share/cocart-gateway/cocart-gateway.php") != string(plugin) {
		m.t.Errorf("the plugin is another one than in the repository: %v", err)
	}
	var started []string
	m.must(filepath.WalkDir(m.path("etc/systemd"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(path, "cocart-gateway") {
			started = append(started, path)
		}
		return nil
	}))
	if len(started) > 0 {
		m.t.Errorf("an installation must enable nothing: %v", started)
	}
}

// needsTwoLines: only what nobody else can know is left to fill in.
func (m *machine) needsTwoLines() {
	m.t.Helper()
	text, err := m.as("cocart-gateway", "/usr/bin/cocart-gateway", "config", "check", configInside)
	if err == nil || strings.Count(text, configInside+":") != 2 || !strings.Contains(text, "upstream.url") || !strings.Contains(text, "site.url") {
		m.t.Errorf("the shipped configuration must lack upstream.url and site.url and nothing else (%v):\n%s", err, text)
	}
}

// fillIn edits the configuration as the administrator would.
func (m *machine) fillIn() {
	m.t.Helper()
	text := strings.Replace(m.read(ourConfig), `url: ""`, "url: http://127.0.0.1:8000", 1)
	text = strings.Replace(text, `url: ""`, "url: https://shop.example.com", 1)
	m.must(os.WriteFile(m.path(ourConfig), []byte(text), 0o600))
	if text, err := m.as("cocart-gateway", "/usr/bin/cocart-gateway", "config", "check", configInside); err != nil {
		m.t.Errorf("filled in, and not good for the account of the gateway: %v\n%s", err, text)
	}
	if text, err := m.as("nobody", "/usr/bin/cocart-gateway", "config", "check", configInside); err == nil {
		m.t.Errorf("anybody may read the configuration:\n%s", text)
	}
}

// asksBeforeItReplacesTheConfiguration: dpkg's own question, asked when both
// sides changed the file.
func (m *machine) asksBeforeItReplacesTheConfiguration(before string) {
	m.t.Helper()
	newer := packageOf(m.t, "deb", "0.3.0", "\n# another default\n")
	text, err := m.run(dpkg(m, "--install", newer)...)
	if err == nil || !strings.Contains(text, "Configuration file '"+configInside+"'") {
		m.t.Errorf("both sides changed the configuration, and nobody was asked: %v\n%s", err, text)
	}
	m.ok(dpkg(m, "--force-confold", "--configure", "cocart-gateway")...)
	if m.read(ourConfig)+m.read(ourSecret) != before || !strings.Contains(m.read(ourConfig+".dpkg-dist"), "another default") {
		m.t.Error("the administrator kept the old configuration, and did not get it")
	}
}

func (m *machine) is(what, got, want string) {
	m.t.Helper()
	if got != want {
		m.t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}
