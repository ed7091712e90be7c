// Package systemd_test judges the units as systemd would. Whether their files
// verify where they are installed is looked at in deploy/packages.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Exposure is in tenths; systemd calls up to 2 ok, and 9.6 is a unit without any protection.
func TestExposureOfTheServiceIsLow(t *testing.T) {
	for dropIn, most := range map[string]string{
		"":                 "11",
		"credentials.conf": "11",
		"low-ports.conf":   "14", // one capability, and so no user namespace
	} {
		dir := t.TempDir()
		place(t, "cocart-gateway.service", filepath.Join(dir, "cocart-gateway.service"))
		if dropIn != "" {
			place(t, dropIn, filepath.Join(dir, "cocart-gateway.service.d", dropIn))
		}
		cmd := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold="+most, filepath.Join(dir, "cocart-gateway.service"))
		text, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(text), "Unknown") {
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Errorf("with drop-in %q: more than %s tenths: %v: %s", dropIn, most, err, lines[len(lines)-1])
		}
	}
}

func place(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Attack: a crash leaves signing keys and passwords on the disk, or in the store of systemd-coredump.
func TestTheServiceWritesNoCoreDumps(t *testing.T) {
	text, err := os.ReadFile("cocart-gateway.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nLimitCORE=0\n") {
		t.Error("LimitCORE is not 0")
	}
}
