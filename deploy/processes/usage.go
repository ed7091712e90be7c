// Package processes reads from /proc what programs use: CPU time, memory and descriptors of a program with its
// children, and the CPU time of the whole machine. It is for the benchmark and the fault campaign, on Linux.
package processes

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of the times in /proc: the kernel counts hundredths of a second on every architecture of Linux that
// Go supports (proc(5), sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// Usage is what the programs of one process group use.
type Usage struct {
	CPU         time.Duration // user and system time since they started, and of children that ended
	Resident    int64         // bytes
	Descriptors int           // open ones
}

// Of sums up the process group that a program leads: nginx has a master and workers. It is an error if the group has
// no process.
func Of(group int) (Usage, error) {
	var sum Usage
	found := false
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return sum, err
	}
	for _, stat := range stats {
		fields, ok := readStat(stat)
		if !ok || fields[pgrp] != strconv.Itoa(group) {
			continue // ended meanwhile, or another's
		}
		found = true
		for _, f := range []int{userTime, systemTime, childUserTime, childSystemTime} {
			sum.CPU += time.Duration(number(fields[f])) * tick
		}
		sum.Resident += number(fields[resident]) * int64(os.Getpagesize())
		open, _ := os.ReadDir(filepath.Join(filepath.Dir(stat), "fd")) // unreadable: ended meanwhile
		sum.Descriptors += len(open)
	}
	if !found {
		return sum, fmt.Errorf("process group %d has ended", group)
	}
	return sum, nil
}

// The fields of /proc/PID/stat behind the name of the program, which is the second one.
const (
	pgrp            = 5 - 3
	userTime        = 14 - 3
	systemTime      = 15 - 3
	childUserTime   = 16 - 3
	childSystemTime = 17 - 3
	resident        = 24 - 3
)

func readStat(file string) ([]string, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	// The name is in parentheses and may contain spaces and parentheses.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return fields, len(fields) > resident
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes numbers
	return n
}

// Machine is the CPU time of all processes of the machine since it started.
type Machine struct {
	Busy   time.Duration // of all programs and the kernel
	Stolen time.Duration // what the host gave to other machines
}

// ReadMachine reads /proc/stat.
func ReadMachine() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(string(text))
}

// parseMachine reads the first line: user, nice, system, idle, iowait, irq, softirq, steal.
func parseMachine(text string) (Machine, error) {
	first, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return Machine{}, fmt.Errorf("/proc/stat begins with %q", first)
	}
	var m Machine
	for _, f := range []int{1, 2, 3, 6, 7} {
		m.Busy += time.Duration(number(fields[f])) * tick
	}
	m.Stolen = time.Duration(number(fields[8])) * tick
	return m, nil
}

// Own is the CPU time of this process alone.
func Own() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
