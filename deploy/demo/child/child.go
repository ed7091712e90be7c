// Package child runs programs that must not outlive this process: the shop's, and the gateway of
// the demo. However this process ends, SIGKILL included, the kernel asks them to end too.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Program says what to run.
type Program struct {
	Name string   // for messages
	Args []string // Args[0] is the program's absolute path
	Dir  string   // working directory
	Env  []string // the whole environment; nil inherits ours
	Log  string   // file that receives its output, written anew
	Copy io.Writer
	Keep []*os.File // inherited from file descriptor 3 on
	// Account to run as; nil is ours.
	Account *syscall.Credential
}

// Process is a running program.
type Process struct {
	program  Program
	cmd      *exec.Cmd
	stopping atomic.Bool
	done     chan struct{} // closed after the program has ended and err is set
	err      error
}

// Command prepares a program that ends when this process does. It gets a process group of its
// own: Ctrl-C in a terminal reaches us alone, and we stop the programs in order.
func Command(ctx context.Context, p Program) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = p.Dir, p.Env, p.Keep
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM, Credential: p.Account}
	return cmd
}

// Start runs the program. If it ends before Stop, died gets which one it was and the last
// lines it wrote; died has room for one value per program, or a reader.
func Start(program Program, died chan<- error) (*Process, error) {
	log, err := os.OpenFile(program.Log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return nil, err
	}
	p := &Process{program: program, cmd: Command(context.Background(), program), done: make(chan struct{})}
	p.cmd.WaitDelay = 5 * time.Second
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if program.Copy != nil {
		both := io.MultiWriter(log, program.Copy)
		p.cmd.Stdout, p.cmd.Stderr = both, both
	}
	started := make(chan error, 1)
	go p.run(started, died, log)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", program.Name, err)
	}
	return p, nil
}

// run keeps one thread for the program: the kernel sends the death signal when the thread that
// started it ends, not the process (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) run(started, died chan<- error, log io.Closer) {
	runtime.LockOSThread()
	defer log.Close()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	if !p.stopping.Load() {
		died <- p.failure()
	}
	close(p.done)
}

// Ready waits until a condition on the program holds, three minutes at most, and fails as soon as the
// program ends instead.
func (p *Process) Ready(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	err := Await(ctx, func() (bool, error) {
		select {
		case <-p.done:
			return false, p.failure()
		default:
			return holds(), nil
		}
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not become ready; it wrote:\n%s", p.program.Name, lastLines(p.program.Log))
	}
	return err
}

// Stop asks the program to end, kills it after a minute, and returns when it is gone. A nil
// Process is stopped already.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	p.stopping.Store(true)
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(time.Minute):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	return fmt.Errorf("%s did not end within a minute and was killed", p.program.Name)
}

// PID is the process id of the program, and the id of its process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

func (p *Process) failure() error {
	reason := "by itself"
	if p.err != nil {
		reason = p.err.Error()
	}
	return fmt.Errorf("%s ended (%s); its last words in %s:\n%s", p.program.Name, reason, p.program.Log, lastLines(p.program.Log))
}

func lastLines(log string) string {
	text, _ := os.ReadFile(log)
	if len(strings.TrimSpace(string(text))) == 0 {
		return "(nothing in " + filepath.Base(log) + ")"
	}
	return Tail(text)
}

// Tail is the last 15 lines of a program's output: what helps in an error message.
func Tail(output []byte) string {
	lines := strings.Split(strings.TrimRight(string(output), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// Await asks again until the condition holds, fails, or the context ends.
func Await(ctx context.Context, holds func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
