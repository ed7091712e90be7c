package systemd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/deploy/chain"
)

// What the unit says about mistakes in the configuration is what the gateway does about them.
func TestAMistakeInTheConfigurationIsToldAndNotTriedAgain(t *testing.T) {
	gateway := chain.Build(t)
	good := chain.Write(t, "config.yaml", chain.Gateway{Public: "127.0.0.1:8080", Admin: "127.0.0.1:9090"}.Configuration("http://127.0.0.1:8000"))
	bad := chain.Write(t, "config.yaml", "nonsense: 1\n")

	if final, code := setting(t, "RestartPreventExitStatus="), exitOf(t, command(t, "ExecStart=", gateway, bad)); final != strconv.Itoa(code) {
		t.Errorf("it ends with %d, and is not started again after %s, where a panic ends with 2", code, final)
	}
	if code := exitOf(t, command(t, "ExecReload=/usr/bin/", gateway, bad)); code == 0 {
		t.Error("systemctl reload says that all is well with a mistake in the file")
	}
	if code := exitOf(t, command(t, "ExecReload=/usr/bin/", gateway, good)); code != 0 {
		t.Errorf("systemctl reload fails with a good file: %d", code)
	}
}

// Whoever starts the service gets the socket, too, if it is enabled: also one that systemd gave up.
func TestAnEnabledSocketComesWithTheService(t *testing.T) {
	root := t.TempDir()
	for _, unit := range []string{"cocart-gateway.service", "cocart-gateway.socket"} {
		place(t, unit, filepath.Join(root, "usr/lib/systemd/system", unit))
	}
	wanted := filepath.Join(root, "etc/systemd/system/cocart-gateway.service.wants/cocart-gateway.socket")
	for _, step := range []struct {
		verb string
		want bool
	}{{"enable", true}, {"disable", false}} {
		if text, err := exec.Command("systemctl", "--root="+root, step.verb, "cocart-gateway.socket").CombinedOutput(); err != nil {
			t.Fatalf("systemctl %s: %v\n%s", step.verb, err, text)
		}
		if _, err := os.Lstat(wanted); (err == nil) != step.want {
			t.Errorf("after systemctl %s the service wants the socket: %t, want %t", step.verb, err == nil, step.want)
		}
	}
}

// setting is the value of the only line of the service that begins so.
func setting(t *testing.T, begin string) string {
	t.Helper()
	unit, err := os.ReadFile("cocart-gateway.service")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(begin)+`(.*)$`).FindAllStringSubmatch(string(unit), -1)
	if len(found) != 1 {
		t.Fatalf("the unit has %d lines %s", len(found), begin)
	}
	return found[0][1]
}

// command is what the unit runs, with this program and this configuration in the place of the installed ones.
func command(t *testing.T, begin, program, config string) *exec.Cmd {
	t.Helper()
	words := strings.Fields(setting(t, begin))
	at := slices.Index(words, "/etc/cocart-gateway/config.yaml")
	if at < 0 || filepath.Base(words[0]) != "cocart-gateway" {
		t.Fatalf("the unit runs %v", words)
	}
	words[at] = config
	return exec.CommandContext(t.Context(), program, words[1:]...)
}

func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("%v: %s", cmd.Args, text)
	return cmd.ProcessState.ExitCode()
}
