package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

// version is the release, as CHANGELOG.md names it, and revision the commit; "make release" sets both with -ldflags -X.
var (
	version  = "0.1.0"
	revision = ""
)

type build struct{ version, revision, goversion string }

func buildOf() build {
	b := build{version: version, revision: revision, goversion: runtime.Version()}
	if b.revision == "" {
		b.revision = revisionOf(debug.ReadBuildInfo())
	}
	return b
}

// revisionOf is the commit that the go command found when it built us, if it looked for one.
func revisionOf(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "unknown"
}

func (b build) String() string {
	return "cocart-gateway " + b.version + " (" + b.revision + ", " + b.goversion + ")"
}

func (b build) metric() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cocart_gateway_build_info",
		Help: "Always 1; the labels say which build is running.",
		ConstLabels: prometheus.Labels{
			"version": b.version, "revision": b.revision, "goversion": b.goversion,
		},
	})
	g.Set(1)
	return g
}

func versionCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, its commit and the Go release it was built with",
		Example: "  cocart-gateway version",
		GroupID: groupOther,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(t.out, buildOf())
			return err
		},
	}
}
