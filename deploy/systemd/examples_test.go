package systemd_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The machine of make test-systemd takes its drop-ins from where the package puts them: whoever moves them there finds
// out here, and not some minutes into a run that CI does not have.
func TestTheChecksTakeTheDropInsFromThePackage(t *testing.T) {
	checks, err := os.ReadFile("real_checks.sh")
	if err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile("../packages/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	from := regexp.MustCompile(`(?m)^examples=(.+)$`).FindSubmatch(checks)
	if from == nil {
		t.Fatal("real_checks.sh does not say where the examples are")
	}
	if want := "src: deploy/systemd/*.conf\n    dst: " + string(from[1]) + "/\n"; !strings.Contains(string(contents), want) {
		t.Errorf("real_checks.sh looks into %s, where nfpm.yaml puts no drop-in", from[1])
	}
}
