package main

import "fmt"

// target is a system that the gateway is released for.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// targets are the systems with a release. Linux and FreeBSD are where shops run; the others are for those who develop
// against one.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"freebsd", "amd64"}, {"freebsd", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"},
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
func (t target) program() string {
	if t.os == "windows" {
		return "cocart-gateway.exe"
	}
	return "cocart-gateway"
}
