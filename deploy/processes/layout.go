package processes

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// UseCPUs lets this process and all that it starts from now on run on n CPUs only, the first ones that it may use, so
// that figures of machines of different sizes can be compared. It gives the number of CPUs, which is less than n on a
// smaller machine. Go programs that start afterwards take that number for GOMAXPROCS.
func UseCPUs(n int) (int, error) {
	var all, some unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return 0, fmt.Errorf("reading the CPUs of this process: %w", err)
	}
	for cpu := range 1024 {
		if all.IsSet(cpu) && some.Count() < n {
			some.Set(cpu)
		}
	}
	if err := eachThread(func(thread int) error { return unix.SchedSetaffinity(thread, &some) }); err != nil {
		return 0, fmt.Errorf("choosing CPUs: %w", err)
	}
	return some.Count(), nil
}

// AllowDescriptors raises the limit of open descriptors of this process, and of what it starts, to n or to the hard
// limit, and gives the limit.
func AllowDescriptors(n uint64) (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	if limit.Max < n { // root may, if its container lets it
		raised := unix.Rlimit{Cur: n, Max: n}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
			return n, nil
		}
	}
	limit.Cur = max(limit.Cur, min(n, limit.Max))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("allowing %d descriptors: %w", limit.Cur, err)
	}
	return limit.Cur, nil
}
