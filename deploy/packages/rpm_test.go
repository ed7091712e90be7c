package main

import (
	"strings"
	"testing"
)

// rpm has no database of Debian's packages: what ours depends on is not looked
// for. --force-debian is what Debian's rpm wants to hear.
func rpm(m *machine, words ...string) []string {
	return append([]string{"rpm", "--root", m.root, "--nodeps", "--force-debian"}, words...)
}

// TestRpmFromInstallationToRemoval is the life of the package on one machine.
func TestRpmFromInstallationToRemoval(t *testing.T) {
	m := newMachine(t, withSystemd...)
	m.recordSystemctl()

	m.ok(rpm(m, "--install", released("rpm"))...)
	m.isInstalled()
	m.explainsItself("usr/share/zsh/site-functions")
	if told := m.told(); told != "daemon-reload\n" {
		t.Errorf("an installation must start and enable nothing, and told systemd:\n%s", told)
	}
	if text := m.ok(rpm(m, "--verify", "cocart-gateway")...); text != "" {
		t.Errorf("installed files are not as the package says:\n%s", text)
	}
	m.needsTwoLines()
	m.fillIn()
	before := m.read(ourConfig) + m.read(ourSecret)

	m.ok(rpm(m, "--upgrade", packageOf(t, "rpm", "0.3.0", "\n# another default\n"))...)
	if told := m.told(); told != "daemon-reload\ntry-restart cocart-gateway.service\ndaemon-reload\n" {
		t.Errorf("an upgrade told systemd:\n%s", told)
	}
	if m.read(ourConfig)+m.read(ourSecret) != before || !strings.Contains(m.read(ourConfig+".rpmnew"), "another default") {
		t.Error("an upgrade must leave the administrator's configuration, and the new one beside it")
	}

	m.ok(rpm(m, "--erase", "cocart-gateway")...)
	if told := m.told(); told != "--no-reload disable --now cocart-gateway.socket cocart-gateway.service\ndaemon-reload\n" {
		t.Errorf("a removal told systemd:\n%s", told)
	}
	if m.has(ourProgram) || m.read(ourConfig+".rpmsave")+m.read(ourSecret) != before {
		t.Error("a removal must take the program away and leave the configuration")
	}
}
