package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/deploy/bench/figures"
	"cocart-gateway/deploy/bench/load"
	"cocart-gateway/tokens/revocation"
)

// idle is the memory of two proxies with many idle connections.
type idle struct {
	connections int
	gateway     gateway
	bare        program
	few         float64 // memory of the gateway with 64 connections under load, MB
	held        time.Time
	with        float64 // with all of them, idle
	withBare    float64
	released    time.Time
	holders     []*loader // each keeps the connections of one of them: a process has 20,000 files on many systems
}

// hold opens idle connections to a fresh gateway and a fresh bare proxy.
func (b *bench) hold(ctx context.Context, connections int) (*idle, error) {
	i := &idle{connections: connections}
	var err error
	if i.bare, err = b.startBare(ctx, "bare-idle", b.origin); err != nil {
		return nil, err
	}
	if i.gateway, err = b.startGateway(ctx, "gateway-idle", b.origin, gatewayOptions{}); err != nil {
		return nil, err
	}
	if err := i.keep(ctx, i.bare); err != nil {
		return nil, err
	}
	if _, err := b.loader.ask(b.to(i.gateway.program, guest, 200, request("GET", cart, "")).order); err != nil {
		return nil, err
	}
	if i.few, err = resident(i.gateway.program); err != nil {
		return nil, err
	}
	err = i.keep(ctx, i.gateway.program)
	i.held = time.Now()
	return i, err
}

// keep opens the connections to a program, each for one request, and keeps them.
func (i *idle) keep(ctx context.Context, p program) error {
	holder, err := startLoader(ctx)
	if err != nil {
		return err
	}
	i.holders = append(i.holders, holder)
	_, err = holder.ask(order{Plan: load.Plan{Address: p.address, Connections: i.connections, Requests: [][]byte{request("GET", cart, "")}, Status: 200}, Hold: true})
	return err
}

// resident is the memory of a program in MB.
func resident(p program) (float64, error) {
	used, err := p.usage()
	return float64(used.Resident) / 1e6, err
}

// release measures the memory of both when the connections have been idle for so long, and closes them.
func (i *idle) release(ctx context.Context, wait time.Duration) error {
	if err := until(ctx, i.held.Add(wait)); err != nil {
		return err
	}
	var errs [2]error
	i.withBare, errs[0] = resident(i.bare)
	i.with, errs[1] = resident(i.gateway.program)
	err := errors.Join(errs[:]...)
	for _, holder := range i.holders {
		err = errors.Join(err, holder.stop())
	}
	i.released = time.Now()
	return err
}

func until(ctx context.Context, then time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(then)):
		return nil
	}
}

// rows waits until the connections have been closed for so long.
func (i *idle) rows(ctx context.Context, wait time.Duration) ([]figures.Row, error) {
	if err := until(ctx, i.released.Add(wait)); err != nil {
		return nil, err
	}
	after, err := resident(i.gateway.program)
	if err != nil {
		return nil, err
	}
	row := figures.AtMost("8-idle", fmt.Sprintf("memory with %d idle connections", i.connections), figures.Over([]float64{i.with / i.withBare}), 1.10, "× bare")
	row.Note = fmt.Sprintf("%.0f MB, bare %.0f MB", i.with, i.withBare)
	return []figures.Row{
		figures.AtMost("8-64", "memory with 64 connections under load", figures.Over([]float64{i.few}), 30, "MB"), row,
		figures.AtMost("8-after", fmt.Sprintf("memory %s after they closed", wait), figures.Over([]float64{after}), 60, "MB"),
	}, nil
}

// perSession is what a session takes in Redis with its index, in bytes.
func (b *bench) perSession(ctx context.Context, sessions int) (figures.Row, error) {
	rdb := redis.NewClient(&redis.Options{Addr: b.logins.redis.address})
	defer func() { _ = rdb.Close() }() // nothing is left to send
	before, err := usedMemory(ctx, rdb)
	if err != nil {
		return figures.Row{}, err
	}
	var all sync.WaitGroup
	failed := make(chan error, 8)
	for part := range 8 {
		all.Go(func() {
			for n := part; n < sessions; n += 8 {
				if _, err := b.logins.session(ctx, 1_000_000+n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		return figures.Row{}, err
	}
	after, err := usedMemory(ctx, rdb)
	r := figures.Over([]float64{float64(after-before) / float64(sessions)})
	return figures.AtMost("9-session", "a session in Redis, with index", r, 400, "bytes"), err
}

func usedMemory(ctx context.Context, rdb *redis.Client) (int64, error) {
	text, err := rdb.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	value, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseInt(value, 10, 64)
}

// perRevocation is what a revocation takes in the gateway, in bytes: the difference of two that have just started.
func (b *bench) perRevocation(ctx context.Context, revocations int) (figures.Row, error) {
	without, err := b.startGateway(ctx, "gateway-without", b.origin, gatewayOptions{})
	if err != nil {
		return figures.Row{}, err
	}
	address, err := b.startRedis(ctx, "full-redis")
	if err != nil {
		return figures.Row{}, err
	}
	if err := fill(ctx, address.address, revocations); err != nil {
		return figures.Row{}, err
	}
	with, err := b.startGateway(ctx, "gateway-with", b.origin, gatewayOptions{redis: address.address})
	if err != nil {
		return figures.Row{}, err
	}
	known, err := with.metric(ctx, "cocart_gateway_revocation_sessions")
	if err != nil || known != float64(revocations) {
		return figures.Row{}, errors.Join(err, fmt.Errorf("the gateway knows %v of %d revocations", known, revocations))
	}
	less, err := without.usage()
	if err != nil {
		return figures.Row{}, err
	}
	more, err := with.usage()
	r := figures.Over([]float64{float64(more.Resident-less.Resident) / float64(revocations)})
	return figures.AtMost("9-revocation", fmt.Sprintf("a revocation in the process (%d of them)", revocations), r, 64, "bytes"), err
}

// fill writes sessions that ended into the log, as gateways do.
func fill(ctx context.Context, address string, revocations int) error {
	rdb := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = rdb.Close() }() // nothing is left to send
	now := time.Now().UnixMilli()
	for n := 0; n < revocations; {
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range min(10_000, revocations-n) {
				p.XAdd(ctx, &redis.XAddArgs{Stream: "cocart:revocations", Values: revocation.SessionEnded(revocation.NewSessionID(now), now).Values()})
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// metric reads one without labels.
func (g gateway) metric(ctx context.Context, name string) (float64, error) {
	var text textAnswer
	if err := g.ask(ctx, http.MethodGet, "/metrics", "", &text); err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
