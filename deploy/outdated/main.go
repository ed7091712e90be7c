// Command outdated lists what the project pins and what is behind: Go, modules, tools and the images of compose.yaml.
//
// It asks the Go module proxy only, by the go command, so that it runs wherever the project builds. An image of a program
// that is a Go module is compared with that; any other is in images.txt, with the newest version that was known when
// it was last looked up, where, and when. It lists and changes nothing, and its exit code is 0 also if something is
// behind.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookedUp is how long the word of images.txt is good for.
const lookedUp = 60 * 24 * time.Hour

func main() {
	if err := report(os.Stdout, goList, time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "outdated:", err)
		os.Exit(1)
	}
}

// list runs "go list -m" with arguments in a folder and returns its lines.
type list func(dir string, args ...string) ([]string, error)

func goList(dir string, args ...string) ([]string, error) {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"list", "-m"}, args...)...) //nolint:gosec // the arguments are of this program and of go.mod
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr, cmd.Env = dir, &stderr, append(os.Environ(), "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m %s in %s: %w: %s", strings.Join(args, " "), dir, err, strings.TrimSpace(stderr.String()))
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

func report(w io.Writer, run list, now time.Time) error {
	for _, part := range []func(io.Writer, list, time.Time) error{reportGo, reportModules, reportSchemas, reportLint, reportImages} {
		if err := part(w, run, now); err != nil {
			return err
		}
	}
	return nil
}

func say(w io.Writer, what, pinned, newest, where string) {
	if pinned == newest {
		fmt.Fprintf(w, "ok      %s %s\n", what, pinned)
		return
	}
	fmt.Fprintf(w, "behind  %s %s, newest %s (%s)\n", what, pinned, newest, where)
}

func firstMatch(file, pattern string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(pattern).FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s: nothing is pinned there by %s", file, pattern)
	}
	return string(m[1]), nil
}

func versions(run list, module string) ([]string, error) {
	lines, err := run(".", "-versions", module)
	if err != nil {
		return nil, err
	}
	return strings.Fields(strings.Join(lines, " "))[1:], nil
}

// reportGo compares with the newest patch of the same release, which fixes what is known of it, and names a newer one.
func reportGo(w io.Writer, run list, _ time.Time) error {
	pinned, err := firstMatch("go.mod", `(?m)^toolchain go(\S+)$`)
	if err != nil {
		return err
	}
	all, err := versions(run, "golang.org/toolchain")
	if err != nil {
		return err
	}
	release := regexp.MustCompile(`^v0\.0\.1-go(1)\.(\d+)\.(\d+)\.linux-amd64$`)
	patch, newest := pinned, pinned
	for _, v := range all {
		m := release.FindStringSubmatch(v)
		if m == nil {
			continue
		}
		v = m[1] + "." + m[2] + "." + m[3]
		if newer(v, newest) {
			newest = v
		}
		if strings.HasPrefix(v, pinned[:strings.LastIndexByte(pinned, '.')+1]) && newer(v, patch) {
			patch = v
		}
	}
	say(w, "Go (toolchain in go.mod)", pinned, patch, "the newest release is "+newest)
	return nil
}

// newer compares versions of three numbers.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		x, _ := strconv.Atoi(as[i]) // the patterns let digits through only
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return false
}

func reportModules(w io.Writer, run list, _ time.Time) error {
	const behind = `{{if .Update}}{{.Path}} {{.Version}} {{.Update.Version}}{{end}}`
	for _, dir := range []string{".", "deploy/packages/tools", "deploy/helm/tools", "cmd/cocart-gateway/testdata/pebble"} {
		direct, err := directModules(dir + "/go.mod")
		if err != nil {
			return err
		}
		lines, err := run(dir, append([]string{"-u", "-f", behind}, direct...)...)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			fmt.Fprintf(w, "ok      modules of %s/go.mod\n", dir)
		}
		for _, line := range lines {
			f := strings.Fields(line)
			say(w, f[0], f[1], f[2], dir+"/go.mod")
		}
	}
	return nil
}

// reportSchemas compares the modules by whose descriptions the objects of the chart are checked.
func reportSchemas(w io.Writer, run list, _ time.Time) error {
	const file = "deploy/helm/tools/schemas.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		all, err := versions(run, f[0])
		if err != nil {
			return err
		}
		say(w, f[0], f[1], lastRelease(all), file)
	}
	return nil
}

// directModules are those that a go.mod requires itself, or that a tool of it is in.
func directModules(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var direct []string
	tools := regexp.MustCompile(`(?m)^(?:tool )?\s*(\S+/cmd/\S+)$`).FindAllStringSubmatch(string(text), -1)
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(string(text), -1) {
		inTool := slices.ContainsFunc(tools, func(tool []string) bool { return strings.HasPrefix(tool[1], m[1]+"/") })
		if m[2] == "" || inTool {
			direct = append(direct, m[1])
		}
	}
	return direct, nil
}

func reportLint(w io.Writer, run list, _ time.Time) error {
	pinned, err := firstMatch("Makefile", `(?m)^LINT_VERSION := (\S+)$`)
	if err != nil {
		return err
	}
	all, err := versions(run, "github.com/golangci/golangci-lint/v2")
	if err != nil {
		return err
	}
	say(w, "golangci-lint", pinned, lastRelease(all), "Makefile")
	return nil
}

// lastRelease is the newest of versions as the go command sorts them, less release candidates.
func lastRelease(all []string) (newest string) {
	for _, v := range all {
		if !strings.Contains(v, "-") {
			newest = v
		}
	}
	return newest
}
