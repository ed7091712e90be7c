package logsink_test

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cocart-gateway/cmd/cocart-gateway/logsink"
)

// file is a writer that never blocks, and keeps each write by itself.
type file struct {
	mu     sync.Mutex
	writes []string
	fails  int // how many bytes of the next write are written before it fails; 0: it does not fail
}

func (f *file) Write(text []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.fails; n > 0 {
		f.fails = 0
		return n, io.ErrShortWrite
	}
	f.writes = append(f.writes, string(text))
	return len(text), nil
}

func (f *file) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.writes)
}

// plain is a format without times.
func plain(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
}

func TestRequestLinesAreWrittenTogetherAndNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{}
		s := logsink.New(f, 1<<20, nil)
		log := slog.New(logsink.NewHandler(s, plain))
		for i := range 3 {
			log.Info("request", "n", i)
		}
		time.Sleep(logsink.FlushAfter - time.Nanosecond)
		synctest.Wait()
		if got := f.taken(); len(got) != 0 {
			t.Errorf("written before it was due: %q", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		want := []string{"msg=request n=0\nmsg=request n=1\nmsg=request n=2\n"}
		if got := f.taken(); !slices.Equal(got, want) {
			t.Errorf("written %q", got)
		}
		log.Info("request", "n", 3)
		time.Sleep(logsink.FlushAfter)
		synctest.Wait()
		if got := f.taken(); !slices.Equal(got, append(want, "msg=request n=3\n")) {
			t.Errorf("written %q", got)
		}
		closed(t, s)
	})
}

func TestOtherLinesAreWrittenAtOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{}
		s := logsink.New(f, 1<<20, nil)
		log := slog.New(logsink.NewHandler(s, plain))
		begin := time.Now()
		log.Info("request", "n", 0)
		log.Error("request", "n", 1)
		synctest.Wait()
		if got := strings.Join(f.taken(), ""); got != "msg=request n=0\nmsg=request n=1\n" || !time.Now().Equal(begin) {
			t.Errorf("written %q after %s", got, time.Since(begin))
		}
		log.Warn("account locked out")
		synctest.Wait()
		if got := strings.Join(f.taken(), ""); !strings.HasSuffix(got, "msg=\"account locked out\"\n") || !time.Now().Equal(begin) {
			t.Errorf("written %q after %s", got, time.Since(begin))
		}
		closed(t, s)
	})
}

func TestManyRequestLinesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{}
		s := logsink.New(f, 1<<20, nil)
		line := []byte(strings.Repeat("x", 999) + "\n")
		for range 70 { // one block holds 65
			_, _ = s.Ordinary().Write(line)
		}
		synctest.Wait()
		if got := strings.Count(strings.Join(f.taken(), ""), "\n"); got < 65 { // the writer may have begun before the last lines
			t.Errorf("%d lines written at once", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := strings.Count(strings.Join(f.taken(), ""), "\n"); got != 70 {
			t.Errorf("%d lines written after a second", got)
		}
		if longest := len(slices.MaxFunc(f.taken(), func(a, b string) int { return len(a) - len(b) })); longest > 64<<10 {
			t.Errorf("one write of %d bytes", longest)
		}
		closed(t, s)
	})
}

func TestCloseWritesTheRequestLinesThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{}
		s := logsink.New(f, 1<<20, nil)
		begin := time.Now()
		_, _ = io.WriteString(s.Ordinary(), "one\n")
		closed(t, s)
		if got := f.taken(); !slices.Equal(got, []string{"one\n"}) || !time.Now().Equal(begin) {
			t.Errorf("written %q after %s", got, time.Since(begin))
		}
	})
}

func TestOnlyLinesThatWereNotWrittenAreCountedAsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{fails: len("line 0\n") + 2}
		s := logsink.New(f, 1<<20, nil)
		for i := range 5 {
			fmt.Fprintf(s.Ordinary(), "line %d\n", i)
		}
		time.Sleep(logsink.FlushAfter)
		synctest.Wait()
		dropped(t, s, 0, 4)
		closed(t, s)
	})
}
