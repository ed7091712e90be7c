package chaos

import "syscall"

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// freeze stops a process for as long as it is not thawed.
func freeze(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }

func thaw(pid int) { _ = syscall.Kill(pid, syscall.SIGCONT) }
