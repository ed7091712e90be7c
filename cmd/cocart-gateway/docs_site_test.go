package main

import (
	"os"
	"regexp"
	"testing"
)

// The plugin compares the option home. Whoever gives site.url the other address of a WordPress that lies in a folder of
// its own gets every request refused.
func TestTheDocumentationNamesTheAddressThatThePluginCompares(t *testing.T) {
	names := regexp.MustCompile(`Settings → General → (\w+ \w+)|(Site Address) under Settings → General`)
	for _, file := range []string{"README.md", "config.example.yaml", "deploy/docs/install.md", "deploy/docs/runbook.md"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := names.FindAllSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s does not say where site.url stands in WordPress", file)
		}
		for _, m := range found {
			if name := string(m[1]) + string(m[2]); name != "Site Address" {
				t.Errorf("%s calls it %s", file, name)
			}
		}
	}
}
