package processes_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"cocart-gateway/deploy/processes"
)

// spin is a group of two processes that use CPU time until their input ends.
func spin(t *testing.T) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo ready; cat & cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if _, err := out.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestTheUsageOfAGroupIsThatOfItsProcesses(t *testing.T) {
	used, err := processes.Of(spin(t))
	if err != nil || used.CPU <= 0 || used.Resident < 100_000 || used.Descriptors < 3 {
		t.Errorf("%+v, %v", used, err)
	}
}

func TestAGroupThatEndedHasNoUsage(t *testing.T) {
	if used, err := processes.Of(1 << 22); err == nil {
		t.Errorf("%+v", used)
	}
}

func TestTheMachineHasUsedAtLeastWhatWeHave(t *testing.T) {
	_, own := spin(t), processes.Own()
	m, err := processes.ReadMachine()
	if err != nil || m.Busy <= 0 || own <= 0 || own > m.Busy {
		t.Errorf("%+v, own %s, %v", m, own, err)
	}
}

func TestTheLayoutHasFewCPUs(t *testing.T) {
	if n, err := processes.UseCPUs(1); err != nil || n != 1 {
		t.Errorf("%d CPUs, %v", n, err)
	}
	if text, err := exec.CommandContext(t.Context(), "nproc").Output(); err != nil || string(text) != "1\n" {
		t.Errorf("a program gets %s CPUs, %v", text, err)
	}
}

func TestDescriptorsAreAllowed(t *testing.T) {
	if n, err := processes.AllowDescriptors(1000); err != nil || n < 1000 && os.Geteuid() == 0 {
		t.Errorf("%d descriptors, %v", n, err)
	}
}
