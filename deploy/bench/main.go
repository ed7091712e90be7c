// Command bench measures what a request costs in the gateway, in a bare proxy of Go, and in other proxies, and compares.
// Everything runs on loopback and on two CPUs, each program as a process of its own: an nginx that plays the shop, the
// process that sends requests, and the candidates. It measures in rounds, all candidates in each, and compares within a
// round. The figure is the CPU time of a candidate per request: it depends least on what else the machine does.
//
//	bench [-rounds 7] [-time 3s] [-out bin/bench.json]
//
//	main.go        options, order of things
//	programs.go    starts programs
//	candidates.go  the origin and the other proxies; gateway.go: the gateway
//	loader.go      the process that sends requests (package load)
//	requests.go    requests and tokens
//	measures.go    what is measured
//	rounds.go      the rounds
//	goals.go       what the figures should be (package figures)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cocart-gateway/deploy/bench/figures"
	"cocart-gateway/deploy/processes"
)

type options struct {
	rounds int
	time   time.Duration
	out    string
	short  bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "load" {
		exit(obey(os.Stdin, os.Stdout))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "rounds")
	flag.DurationVar(&o.time, "time", 3*time.Second, "time of each measure in a round")
	flag.StringVar(&o.out, "out", "bin/bench.json", "where the figures go")
	flag.BoolVar(&o.short, "short", false, "five rounds of less than a second: within four minutes")
	flag.Parse()
	if o.short {
		o.rounds, o.time = 5, 800*time.Millisecond
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	report, err := measureAll(ctx, o, newProgress(os.Stdout))
	cancel()
	if err == nil {
		err = errors.Join(report.Print(os.Stdout), report.Write(o.out))
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func measureAll(ctx context.Context, o options, progress progress) (report figures.Report, err error) {
	cpus, err := processes.UseCPUs(2)
	if err != nil {
		return report, err
	}
	programs, err := newPrograms(filepath.Dir(o.out))
	if err != nil {
		return report, err
	}
	b := &bench{programs: programs, time: o.time}
	defer func() { err = errors.Join(err, b.stop()) }()
	progress.say("Building and starting the programs …")
	if err := b.start(ctx); err != nil {
		return report, err
	}
	refused, err := b.refused()
	if err != nil {
		return report, err
	}
	r, err := run(ctx, b.loader, programs, append(b.forwarding(), refused...), o.rounds, progress)
	if err != nil {
		return report, err
	}
	report = figures.Report{Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(cpus), Version: version(ctx), Short: o.short,
		Rounds: o.rounds, Noise: r.noise(cpus), Rows: r.rows(), Candidates: r.candidates()}
	report.TooNoisy = report.Noise.TooNoisy()
	return report, nil
}

func (b *bench) stop() error {
	var err error
	if b.loader != nil {
		err = b.loader.stop()
	}
	return errors.Join(err, b.programs.stop())
}

// noise is what else the machine did.
func (r *rounds) noise(cpus int) figures.Noise {
	return figures.Noise{Foreign: float64(r.foreign) / float64(r.took) / float64(cpus), Spread: figures.SpreadOf(figures.Of(r.of("bare", customer), figures.CPU))}
}

// machine says what CPUs these are.
func machine(cpus int) string {
	model := "unknown CPU"
	text, _ := os.ReadFile("/proc/cpuinfo") // then it stays unknown
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d CPUs (%s)", cpus, model)
}

// version is the commit that is measured.
func version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}
