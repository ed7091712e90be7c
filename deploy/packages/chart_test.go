package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// helm installs the chart of a release, which names the image of that release.
func TestChartInstallsTheVersionItIsReleasedWith(t *testing.T) {
	r := &release{version: "9.8.7-rc.1", out: t.TempDir(), time: time.Unix(0, 0)}
	if err := r.chart(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	rendered := said(t, filepath.Join(tools, "helm"), "template", "shop", filepath.Join(r.out, "cocart-gateway-9.8.7-rc.1.tgz"),
		"--values", "deploy/helm/testdata/values/least.yaml")
	for _, want := range []string{"image: cocart-gateway:9.8.7-rc.1\n", "helm.sh/chart: cocart-gateway-9.8.7-rc.1\n"} {
		if !strings.Contains(rendered, want) {
			t.Errorf("no %q in\n%s", want, rendered)
		}
	}
	dir := t.TempDir()
	said(t, "tar", "-xzf", filepath.Join(r.out, "cocart-gateway-9.8.7-rc.1.tgz"), "-C", dir)
	packed, all := filesBelow(t, filepath.Join(dir, "cocart-gateway")), filesBelow(t, chartDir)
	if strings.Join(packed, "\n") != strings.Join(all, "\n") {
		t.Errorf("packed\n%s\nof\n%s", packed, all)
	}
	if about, err := os.ReadFile(filepath.Join(chartDir, "Chart.yaml")); err != nil || strings.Contains(string(about), "9.8.7") {
		t.Errorf("the release changed the chart: %v\n%s", err, about)
	}
}
