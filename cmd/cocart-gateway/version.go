package main

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// version is the release, as CHANGELOG.md names it.
const version = "0.1.0"

type build struct{ version, revision, goversion string }

func buildOf() build {
	b := build{version: version, revision: "unknown", goversion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.revision = s.Value[:min(12, len(s.Value))]
		}
	}
	return b
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
