package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/deploy/processes"
)

// programs are what the benchmark runs, all on loopback, and a folder for their files.
type programs struct {
	dir     string // for this run only
	bin     string // for what is built
	running []*child.Process
	died    chan error
	built   map[string]string
}

// program is one of them.
type program struct {
	name    string
	address string // host:port for requests
	process *child.Process
}

func newPrograms(bin string) (*programs, error) {
	dir, err := os.MkdirTemp("", "cocart-gateway-bench")
	if err != nil {
		return nil, err
	}
	// nginx reads its files as another account.
	return &programs{dir: dir, bin: bin, died: make(chan error, 100), built: map[string]string{}}, os.Chmod(dir, 0o755) //nolint:gosec // no secrets of anyone
}

// stop ends all of them, the last one first, and removes their files.
func (p *programs) stop() error {
	var all error
	for i := len(p.running) - 1; i >= 0; i-- {
		all = errors.Join(all, p.running[i].Stop())
	}
	select {
	case err := <-p.died:
		all = errors.Join(all, err)
	default:
	}
	return errors.Join(all, os.RemoveAll(p.dir))
}

// launch runs a program and waits until it takes connections.
func (p *programs) launch(ctx context.Context, name, address string, args ...string) (program, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return program{}, fmt.Errorf("%w (deploy/demo/install.sh bench)", err)
	}
	args[0] = path
	process, err := child.Start(child.Program{Name: name, Args: args, Dir: p.dir, Log: filepath.Join(p.dir, name+".log")}, p.died)
	if err != nil {
		return program{}, err
	}
	p.running = append(p.running, process)
	return program{name, address, process}, process.Ready(ctx, func() bool { return listens(ctx, address) })
}

func listens(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		_ = c.Close() // it was for looking only
	}
	return err == nil
}

func (p program) usage() (processes.Usage, error) { return processes.Of(p.process.PID()) }

func (p *programs) write(name, text string) (string, error) {
	file := filepath.Join(p.dir, name)
	return file, os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // secrets of this run
}

// writeSecret writes what only this account may read.
func (p *programs) writeSecret(name, text string) (string, error) {
	file := filepath.Join(p.dir, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// freeAddress is one on loopback where nothing listens. Its port is below those that the kernel gives to clients, which
// could take it before the program that is started for it does.
func freeAddress() (string, error) {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)) //nolint:gosec // no secret
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("a thousand ports are all in use")
}

// build links a program of this repository as a release does.
func (p *programs) build(ctx context.Context, name, pkg string) (string, error) {
	if file, ok := p.built[name]; ok {
		return file, nil
	}
	file, err := filepath.Abs(filepath.Join(p.bin, name))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, pkg) //nolint:gosec // our own words
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, text)
	}
	p.built[name] = file
	return file, nil
}
