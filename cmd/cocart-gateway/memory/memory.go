// Package memory sets how the Go runtime uses memory, where the operator does not: GOGC and GOMEMLIMIT in the environment
// stay in force.
//
//	memory.go  the limit of the container
//	floor.go   a small heap is collected less often
//	trim.go    memory is returned to the operating system after the start and after load
package memory

import (
	"context"
	"log/slog"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Keep follows the use of memory until ctx ends. env is the environment of the process. tick ticks every [Interval].
func Keep(ctx context.Context, env func(string) (string, bool), log *slog.Logger, tick <-chan time.Time) {
	// 90 % of the limit of the cgroup: the runtime collects more often before the kernel ends the process. Without a limit,
	// and where GOMEMLIMIT is set, nothing changes.
	if limit, err := memlimit.Set(); err != nil {
		log.Debug("the memory limit of the cgroup is unknown", "cause", err)
	} else {
		log.Debug("memory limit", "bytes", limit)
	}
	if text, _ := env("GOGC"); text == "" {
		defer keepFloor()()
	}
	giveBack() // a start that read many revocations leaves as much garbage
	trimWhenIdle(ctx, tick)
}
