// Command bench measures what a request costs in the gateway, in a bare proxy of Go, and in other proxies, and compares.
// Everything runs on loopback and on two CPUs, each program as a process of its own: an nginx that plays the shop, the
// process that sends requests, and the candidates. It measures in rounds, all candidates in each, and compares within a
// round. The figure is the CPU time of a candidate per request: it depends least on what else the machine does.
//
//	bench [-short] [-rounds 7] [-time 3s] [-caddy=false] [-out bin/bench.json]
//	bench -docs [-out bin/bench.json]     writes the figures of that file into the documents
//
//	main.go        options, order of things
//	programs.go    starts programs
//	candidates.go  the origin and the bare proxy; peers.go: other proxies; gateway.go: the gateway
//	wordpress.go   a WordPress that lets everyone log in
//	loader.go      the process that sends requests (package load)
//	requests.go    requests and tokens; algorithms.go: tokens that are signed in other ways
//	measures.go    what is measured in rounds; encrypted.go: over TLS; trips.go, memory.go: what is measured once
//	rounds.go      the rounds
//	goals.go       what the figures should be (package figures)
//	document.go    the page of the documents
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
	"slices"
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
	docs   bool
	caddy  bool   // compare with it
	tools  string // where its binary is kept
	// How many of each.
	least, idle, sessions, revocations int           // least: requests of a measure
	idleTime                           time.Duration // of idle connections before their memory is measured: the gateway returns free memory within 40 s
	wait                               time.Duration // from the end of idle connections to the measurement
}

func main() {
	asProgram(os.Args)
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "rounds")
	flag.DurationVar(&o.time, "time", 3*time.Second, "time of each measure in a round")
	flag.StringVar(&o.out, "out", "bin/bench.json", "where the figures go")
	flag.BoolVar(&o.short, "short", false, "five rounds of less than a second: within four minutes")
	flag.BoolVar(&o.docs, "docs", false, "measure nothing, and write the figures of the last run into the documents")
	flag.BoolVar(&o.caddy, "caddy", true, "compare with Caddy, which takes some minutes to build once")
	flag.StringVar(&o.tools, "tools", ".tools", "where the binary of Caddy is kept")
	flag.Parse()
	if o.docs {
		exit(document(o.out))
	}
	o.idle, o.sessions, o.revocations, o.idleTime, o.wait = 10_000, 20_000, 1_000_000, 45*time.Second, time.Minute
	if o.short {
		o.sessions, o.revocations = 5_000, 300_000
		o.rounds, o.time = 5, 700*time.Millisecond
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	report, err := measureAll(ctx, o, newProgress(os.Stdout))
	cancel()
	if err == nil {
		err = errors.Join(report.Print(os.Stdout), report.Write(o.out))
	}
	exit(err)
}

// asProgram plays the program that the benchmark started itself for, if it did.
func asProgram(args []string) {
	switch {
	case len(args) == 2 && args[1] == "load":
		exit(obey(os.Stdin, os.Stdout))
	case len(args) == 3 && args[1] == "wordpress":
		exit(answerLogins(args[2]))
	}
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
	if _, err := processes.AllowDescriptors(65_536); err != nil {
		return report, err
	}
	programs, err := newPrograms(filepath.Dir(o.out))
	if err != nil {
		return report, err
	}
	b := &bench{programs: programs, time: o.time, least: o.least}
	defer func() { err = errors.Join(err, b.stop()) }()
	progress.say("Building and starting the programs …")
	if o.caddy {
		if b.caddyBinary, err = buildCaddy(ctx, o.tools, progress); err != nil {
			return report, err
		}
	}
	if err := b.start(ctx); err != nil {
		return report, err
	}
	r, rows, err := b.measure(ctx, o, progress)
	if err != nil {
		return report, err
	}
	report = figures.Report{Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(cpus), Version: version(ctx), Short: o.short,
		Rounds: o.rounds, Noise: r.noise(cpus), Rows: rows, Candidates: r.candidates()}
	report.TooNoisy = report.Noise.TooNoisy()
	return report, nil
}

// measure does everything, in an order that leaves time for the memory of closed connections to be given back.
func (b *bench) measure(ctx context.Context, o options, progress progress) (*rounds, []figures.Row, error) {
	progress.say("Memory …")
	idle, err := b.hold(ctx, o.idle)
	if err != nil {
		return nil, nil, err
	}
	trips, err := b.trips(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, err := b.perSession(ctx, o.sessions)
	if err != nil {
		return nil, nil, err
	}
	revoked, err := b.perRevocation(ctx, o.revocations)
	if err != nil {
		return nil, nil, err
	}
	if err := idle.release(ctx, o.idleTime); err != nil {
		return nil, nil, err
	}
	measures, err := b.all(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := run(ctx, b.loader, b.programs, measures, o.rounds, progress)
	if err != nil {
		return nil, nil, err
	}
	kept, err := idle.rows(ctx, o.wait)
	rows := slices.Concat(r.rows(), trips, kept, []figures.Row{session, revoked})
	figures.Sort(rows)
	return r, rows, err
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
