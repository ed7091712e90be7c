package main

import (
	"fmt"
	"runtime"
	"slices"
)

// target is a system that the gateway is released for.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// targets are the systems with a release. Linux and FreeBSD are where shops run; macOS is for those who develop against one.
// Each takes a minute of two processors, so others have none: make build makes a program for every system of Go.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"freebsd", "amd64"}, {"darwin", "arm64"},
}

// ownFirst puts the system of this machine first.
func ownFirst(targets []target) []target {
	own := target{runtime.GOOS, runtime.GOARCH}
	sorted := slices.Clone(targets)
	slices.SortStableFunc(sorted, func(a, b target) int {
		switch {
		case a == own && b != own:
			return -1
		case b == own && a != own:
			return 1
		}
		return 0
	})
	return sorted
}

func chosen(only string) ([]target, error) {
	if only == "" {
		return targets, nil
	}
	for _, t := range targets {
		if t.String() == only {
			return []target{t}, nil
		}
	}
	return nil, fmt.Errorf("%s is not one of %v", only, targets)
}

// program is the name of the binary.
const program = "cocart-gateway"
