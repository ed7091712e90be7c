package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// commit is what is being released: its short hash, with -dirty if files differ
// from it, and its time.
func commit(ctx context.Context) (revision string, when time.Time, err error) {
	said, err := output(ctx, nil, "git", "log", "-1", "--format=%h %ct", "--abbrev=12")
	if err != nil {
		return "", when, err
	}
	revision, stamp, _ := strings.Cut(said, " ")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", when, fmt.Errorf("reading the time of the commit: %w", err)
	}
	changed, err := output(ctx, nil, "git", "status", "--porcelain")
	if changed != "" {
		revision += "-dirty"
	}
	return revision, time.Unix(seconds, 0).UTC(), err
}

// build links a static binary that holds no path of this machine.
func (r *release) build(ctx context.Context, t target) (string, error) {
	binary := filepath.Join(r.out, "build", t.os+"-"+t.arch, program)
	stamp := "-s -w -buildid= -X main.version=" + r.version + " -X main.revision=" + r.revision
	// The go command would note the commit in another form, and only where it finds the repository.
	_, err := output(ctx, append(buildEnvironment(), "GOOS="+t.os, "GOARCH="+t.arch),
		"go", "build", "-trimpath", "-buildvcs=false", noDebugging, "-ldflags", stamp, "-o", binary, "./cmd/cocart-gateway")
	return binary, err
}

// noDebugging keeps the compiler from writing the debugging information that -s -w leaves out of the program. It is a sixth
// of the time of a compilation.
const noDebugging = "-gcflags=all=-dwarf=false"

// buildEnvironment is what compiled packages depend on, whatever this machine has set. GOGC is for the compiler: with it,
// the compiler collects its garbage less often and needs a sixth less time.
func buildEnvironment() []string {
	return []string{"CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOGC=400"}
}

// output runs a program with more environment, and gives what it prints. An
// error holds what it complained of.
func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // our own words
	cmd.Env = append(os.Environ(), env...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return strings.TrimSpace(string(said)), err
}
