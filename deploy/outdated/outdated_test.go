package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// proxy answers as the go command would.
func proxy(dir string, args ...string) ([]string, error) {
	switch question := strings.Join(args, " "); {
	case strings.HasSuffix(question, "golang.org/toolchain"):
		return []string{"golang.org/toolchain v0.0.1-go1.26.8.linux-amd64 v0.0.1-go1.26.10.linux-amd64 v0.0.1-go1.26.9.linux-amd64 v0.0.1-go1.27.0.linux-amd64 v0.0.1-go1.27rc1.linux-amd64"}, nil
	case strings.HasSuffix(question, "golangci-lint/v2"):
		return []string{"github.com/golangci/golangci-lint/v2 v2.15.0 v2.16.0 v2.17.0-rc.1"}, nil
	case strings.HasSuffix(question, "prometheus/prometheus"):
		return []string{"github.com/prometheus/prometheus v0.305.0 v0.316.0 v0.317.1 v0.318.0-rc.0"}, nil
	case strings.Contains(question, "redis/go-redis/v9") && !strings.Contains(question, "indirect") && dir == ".":
		return []string{"github.com/redis/go-redis/v9 v9.23.0 v9.24.0"}, nil
	case strings.HasSuffix(question, "helm.sh/helm/v4"):
		return []string{"helm.sh/helm/v4 v4.3.1 v4.4.0"}, nil
	case strings.HasSuffix(question, "-versions k8s.io/kubernetes"):
		return []string{"k8s.io/kubernetes v1.37.2 v1.38.0 v1.39.0-rc.0"}, nil
	case strings.HasSuffix(question, "-versions sigs.k8s.io/gateway-api"):
		return []string{"sigs.k8s.io/gateway-api v1.6.3"}, nil
	case strings.HasSuffix(question, "-versions github.com/prometheus-operator/prometheus-operator"):
		return []string{"github.com/prometheus-operator/prometheus-operator v0.85.0"}, nil
	case strings.Contains(question, "goreleaser/nfpm/v2 ") || strings.HasSuffix(question, "goreleaser/nfpm/v2"), strings.HasSuffix(question, "letsencrypt/pebble/v2"):
		return nil, nil
	}
	return nil, errors.New("asked for " + strings.Join(args, " "))
}

func reported(t *testing.T, now time.Time) string {
	t.Helper()
	t.Chdir("../..")
	var out strings.Builder
	if err := report(&out, proxy, now); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhatIsBehindIsListed(t *testing.T) {
	got := reported(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	for _, want := range []string{
		"behind  Go (toolchain in go.mod) 1.26.8, newest 1.26.10 (the newest release is 1.27.0)\n",
		"behind  github.com/redis/go-redis/v9 v9.23.0, newest v9.24.0 (./go.mod)\n",
		"ok      modules of deploy/packages/tools/go.mod\n",
		"behind  helm.sh/helm/v4 v4.3.1, newest v4.4.0 (deploy/helm/tools/go.mod)\n",
		"behind  k8s.io/kubernetes v1.37.2, newest v1.38.0 (deploy/helm/tools/schemas.txt)\n",
		"ok      sigs.k8s.io/gateway-api v1.6.3\n",
		"behind  golangci-lint v2.15.0, newest v2.16.0 (Makefile)\n",
		"behind  prom/prometheus v3.16.0, newest v3.17.1 (deploy/compose/compose.yaml)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not said: %s%s", want, got)
		}
	}
}

// What is pinned is what was known when it was looked up, and no image is forgotten.
func TestEveryImageIsTheNewestThatWasKnown(t *testing.T) {
	got := reported(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	for _, image := range []string{"wordpress", "mariadb", "redis", "grafana/grafana"} {
		if !strings.Contains(got, "ok      "+image+" ") {
			t.Errorf("%s: %s", image, got)
		}
	}
	if strings.Contains(got, "unknown") {
		t.Error(got)
	}
}

func TestALookUpGrowsOld(t *testing.T) {
	got := reported(t, time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC))
	if strings.Count(got, "unknown ") != 4 || !strings.Contains(got, "unknown redis 7.4.9-alpine: last looked up 2026-11-28") {
		t.Error(got)
	}
}

func TestVersionsOfPrometheusAreThoseOfItsServer(t *testing.T) {
	for module, want := range map[string]string{"v0.305.": "v3.5.", "v0.316.": "v3.16."} {
		if got := asServer(module); got != strings.TrimSuffix(want, ".")+"." {
			t.Errorf("%s is %s, want %s", module, got, want)
		}
	}
}
