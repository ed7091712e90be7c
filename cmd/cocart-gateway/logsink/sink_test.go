package logsink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/cmd/cocart-gateway/logsink"
)

// pipe is a writer whose reader reads when the test says so.
type pipe struct {
	entered chan struct{} // one word for each write that begins
	release chan error    // what each write answers; closed: nil
	mu      sync.Mutex
	text    bytes.Buffer
}

func newPipe() *pipe { return &pipe{entered: make(chan struct{}, 10_000), release: make(chan error)} }

func (p *pipe) Write(line []byte) (int, error) {
	p.entered <- struct{}{}
	if err := <-p.release; err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *pipe) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func closed(t *testing.T, s *logsink.Sink) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func dropped(t *testing.T, s *logsink.Sink, full, failed int) {
	t.Helper()
	want := fmt.Sprintf(`
# HELP cocart_gateway_log_lines_dropped_total Log lines that were not written, by reason (full: the reader of the log is too slow or has stopped, error: the log cannot be written).
# TYPE cocart_gateway_log_lines_dropped_total counter
cocart_gateway_log_lines_dropped_total{reason="error"} %d
cocart_gateway_log_lines_dropped_total{reason="full"} %d
`, failed, full)
	if err := testutil.CollectAndCompare(s, strings.NewReader(want), "cocart_gateway_log_lines_dropped_total"); err != nil {
		t.Error(err)
	}
}

func TestAReaderThatStopsBlocksNoWriterAndLinesKeepTheirOrder(t *testing.T) {
	p := newPipe()
	var lost []int
	s := logsink.New(p, 40, func(n int) { lost = append(lost, n) })
	for i := range 10 { // 8 bytes each: 5 fit
		fmt.Fprintf(s, "line %d\n\n", i)
	}
	dropped(t, s, 5, 0)
	close(p.release)
	closed(t, s)
	if want := "line 0\n\nline 1\n\nline 2\n\nline 3\n\nline 4\n\n"; p.String() != want {
		t.Errorf("written: %q", p)
	}
	if fmt.Sprint(lost) != "[5]" {
		t.Errorf("reported as dropped: %v", lost)
	}
}

func TestRequestLinesLeaveRoomForTheRest(t *testing.T) {
	p := newPipe()
	s := logsink.New(p, 4000, nil)
	log := slog.New(logsink.NewHandler(s, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }))
	for range 100 {
		log.Info("request", "path", strings.Repeat("x", 100))
	}
	log.With("client", "192.0.2.1").WithGroup("g").Warn("account locked out", "n", 1)
	close(p.release)
	closed(t, s)
	if got := p.String(); !strings.HasSuffix(got, "msg=\"account locked out\" client=192.0.2.1 g.n=1\n") || strings.Count(got, "msg=request") > 20 {
		t.Errorf("written: %s", got)
	}
}

func TestALogThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	p := newPipe()
	var lost []int
	s := logsink.New(p, 1000, func(n int) { lost = append(lost, n) })
	io.WriteString(s, "one\n")
	p.release <- errors.New("broken pipe")
	io.WriteString(s, "two\n")
	p.release <- nil
	closed(t, s)
	dropped(t, s, 0, 1)
	if p.String() != "two\n" || fmt.Sprint(lost) != "[1]" {
		t.Errorf("written %q, lost %v", p, lost)
	}
}

func TestCloseDoesNotWaitForAReaderThatStopped(t *testing.T) {
	p := newPipe()
	s := logsink.New(p, 1000, nil)
	io.WriteString(s, "one\n")
	<-p.entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	io.WriteString(s, "late\n")
	dropped(t, s, 1, 0)
	close(p.release)
	closed(t, s)
	if p.String() != "one\n" {
		t.Errorf("written %q", p)
	}
}
