package main

import (
	"context"
	"fmt"
	"time"

	"cocart-gateway/deploy/bench/figures"
	"cocart-gateway/deploy/processes"
)

// measure is one program with one kind of request.
type measure struct {
	program program
	request string
	order
	spend int // requests that are sent before each time, to use up a limit; they are not measured
}

func (m measure) key() string { return m.program.name + " " + m.request }

// rounds are the samples of each measure, by its key, in the order of the rounds.
type rounds struct {
	measures []measure
	samples  map[string][]figures.Sample
	foreign  time.Duration // CPU time of programs that are not ours
	took     time.Duration
}

// run takes all measures n times, one after the other, so that a slow minute of the machine meets all of them.
func run(ctx context.Context, l *loader, all *programs, measures []measure, n int, progress progress) (*rounds, error) {
	r := &rounds{measures: measures, samples: map[string][]figures.Sample{}}
	for i, m := range measures {
		warm := m.order
		warm.Time = min(short, warm.Time)
		result, err := l.ask(warm)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.key(), err)
		}
		measures[i].Chains = result.Chains
	}
	for round := range n {
		for i, m := range measures {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			progress.step(fmt.Sprintf("round %d of %d, %d of %d: %s", round+1, n, i+1, len(measures), m.key()), i == 0)
			s, err := r.sample(l, all, &measures[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.key(), err)
			}
			r.samples[m.key()] = append(r.samples[m.key()], s)
		}
	}
	progress.step("", false)
	return r, nil
}

func (r *rounds) sample(l *loader, all *programs, m *measure) (figures.Sample, error) {
	if m.spend > 0 {
		limit := m.order
		limit.Time, limit.Least = time.Millisecond, m.spend
		if _, err := l.ask(limit); err != nil {
			return figures.Sample{}, err
		}
	}
	before, err := m.program.usage()
	if err != nil {
		return figures.Sample{}, err
	}
	foreign, err := foreignTime(l, all)
	if err != nil {
		return figures.Sample{}, err
	}
	began := time.Now()
	result, err := l.ask(m.order)
	if err != nil {
		return figures.Sample{}, err
	}
	m.Chains = result.Chains
	r.took += time.Since(began)
	after, err := m.program.usage()
	if err != nil {
		return figures.Sample{}, err
	}
	now, err := foreignTime(l, all)
	if err != nil {
		return figures.Sample{}, err
	}
	r.foreign += max(0, now-foreign)
	if result.Requests == 0 {
		return figures.Sample{}, fmt.Errorf("no request was answered: %s", result.Example)
	}
	if result.Wrong > result.Requests/2 {
		return figures.Sample{}, fmt.Errorf("%d of %d answers are wrong: %q", result.Wrong, result.Requests, result.Example)
	}
	return figures.Sample{
		CPU:      microseconds(after.CPU-before.CPU) / float64(result.Requests),
		Rate:     result.Rate(),
		P50:      microseconds(result.P50),
		P99:      microseconds(result.P99),
		RSS:      float64(after.Resident) / 1e6,
		Requests: result.Requests,
		Wrong:    result.Wrong,
	}, nil
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// foreignTime is the CPU time that programs had which are not ours, since the machine started.
func foreignTime(l *loader, all *programs) (time.Duration, error) {
	machine, err := processes.ReadMachine()
	if err != nil {
		return 0, err
	}
	used, err := processes.Of(l.group())
	if err != nil {
		return 0, err
	}
	ours := used.CPU + processes.Own()
	for _, p := range all.running {
		if used, err = processes.Of(p.PID()); err != nil {
			return 0, err
		}
		ours += used.CPU
	}
	return machine.Busy + machine.Stolen - ours, nil
}

// of are the samples of a measure.
func (r *rounds) of(program, request string) []figures.Sample { return r.samples[program+" "+request] }
