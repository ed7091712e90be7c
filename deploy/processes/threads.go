package processes

import (
	"os"
	"strconv"
)

// eachThread calls f with the id of every thread of this process: the kernel keeps CPUs per thread, and a program that
// is started gets those of the thread that starts it.
func eachThread(f func(thread int) error) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := f(id); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
