package child_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/child"
)

func program(t *testing.T, script string) child.Program {
	t.Helper()
	return child.Program{Name: "worker", Args: []string{"/bin/sh", "-c", script}, Dir: t.TempDir(), Log: filepath.Join(t.TempDir(), "worker.log")}
}

func start(t *testing.T, p child.Program) (*child.Process, chan error) {
	t.Helper()
	died := make(chan error, 1)
	process, err := child.Start(p, died)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
	})
	return process, died
}

func TestAProgramThatEndsIsReportedWithItsLastWords(t *testing.T) {
	p := program(t, "seq 1 20; echo oh >&2; exit 7")
	_, died := start(t, p)
	want := "worker ended (exit status 7); its last words in " + p.Log + ":\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\noh"
	if got := (<-died).Error(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestAProgramThatIsStoppedIsNotReported(t *testing.T) {
	process, died := start(t, program(t, "trap 'exit 3' TERM; touch ready; while :; do sleep 0.01; done"))
	if err := process.Stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-died:
		t.Errorf("reported: %v", err)
	default:
	}
}

func TestReadyWaitsForTheCondition(t *testing.T) {
	p := program(t, "touch ready; exec sleep 600")
	process, _ := start(t, p)
	there := func() bool {
		_, err := os.Stat(filepath.Join(p.Dir, "ready"))
		return err == nil
	}
	if err := process.Ready(context.Background(), there); err != nil || !there() {
		t.Errorf("ready: %v", err)
	}
}

func TestReadyFailsWhenTheProgramEnds(t *testing.T) {
	process, _ := start(t, program(t, "echo cannot; exit 1"))
	err := process.Ready(context.Background(), func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), "worker ended (exit status 1)") || !strings.Contains(err.Error(), "cannot") {
		t.Errorf("ready: %v", err)
	}
}

func TestReadyEndsWithItsContext(t *testing.T) {
	process, _ := start(t, program(t, "exec sleep 600"))
	ctx, cancel := context.WithCancel(context.Background())
	err := process.Ready(ctx, func() bool { cancel(); return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ready: %v", err)
	}
}

func TestStopReachesGrandchildren(t *testing.T) {
	p := program(t, "sleep 600 & echo $! > pid; wait")
	process, _ := start(t, p)
	var pid []byte
	err := process.Ready(context.Background(), func() bool {
		pid, _ = os.ReadFile(filepath.Join(p.Dir, "pid"))
		return bytes.HasSuffix(pid, []byte("\n"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Stop(); err != nil {
		t.Fatal(err)
	}
	status := filepath.Join("/proc", strings.TrimSpace(string(pid)), "status")
	gone := func() (bool, error) {
		text, err := os.ReadFile(status)
		return err != nil || bytes.Contains(text, []byte("State:\tZ")), nil
	}
	if err := child.Await(context.Background(), gone); err != nil {
		t.Error(err)
	}
}

func TestAProgramThatDoesNotExist(t *testing.T) {
	p := program(t, "")
	p.Args = []string{"/nowhere/program"}
	if _, err := child.Start(p, make(chan error, 1)); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "starting worker: ") {
		t.Errorf("start: %v", err)
	}
}

func TestOutputIsCopied(t *testing.T) {
	var copied bytes.Buffer
	p := program(t, "echo hello")
	p.Copy = &copied
	_, died := start(t, p)
	<-died
	if text, err := os.ReadFile(p.Log); string(text) != "hello\n" || copied.String() != "hello\n" || err != nil {
		t.Errorf("log %q, copy %q, %v", text, copied.String(), err)
	}
}
