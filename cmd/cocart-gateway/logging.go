package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/logsink"
	"cocart-gateway/tokens/rediserror"
)

// configSource is where the configuration of a running gateway comes from, and what follows it in main.
type configSource struct {
	*config.Source

	hangups chan os.Signal
	logs    *logsink.Switch
	sink    *logsink.Sink
}

// listen catches SIGHUP, which would else end the process, until stop, and SIGPIPE: os/signal ends a process that writes
// to a closed pipe on its stdout or stderr, which is what a log shipper leaves behind when it is restarted. Such a write
// then fails, and package logsink counts the line.
func (s *configSource) listen() (stop func()) {
	s.hangups = make(chan os.Signal, 1)
	signal.Notify(s.hangups, syscall.SIGHUP)
	pipes := make(chan os.Signal, 1) // os/signal drops what finds no room
	signal.Notify(pipes, syscall.SIGPIPE)
	return func() {
		signal.Stop(s.hangups)
		signal.Stop(pipes)
	}
}

// log is a logger whose level and format a reload can change, and which never blocks. Close from.sink in the end.
func (s *configSource) log(cfg *config.Config, stderr io.Writer) *slog.Logger {
	s.sink = logsink.New(stderr, logsink.DefaultSize, func(lines int) {
		slog.New(s.logs).Warn("log lines were dropped: the reader of the log was too slow or had stopped", "lines", lines)
	})
	s.logs = logsink.NewSwitch(s.handler(cfg))
	return slog.New(s.logs)
}

func (s *configSource) relog(cfg *config.Config) {
	if s.logs != nil {
		s.logs.Use(s.handler(cfg))
	}
}

func (s *configSource) handler(cfg *config.Config) slog.Handler {
	return logsink.NewHandler(s.sink, func(w io.Writer) slog.Handler { return newLogger(cfg.Log, w).Handler() })
}

// logsWithin is how long the end of the process waits for a log whose reader has stopped.
const logsWithin = 2 * time.Second

// closeLog writes the lines that wait.
func (s *configSource) closeLog() {
	ctx, cancel := context.WithTimeout(context.Background(), logsWithin)
	defer cancel()
	_ = s.sink.Close(ctx) // what is not written by then has no reader
}

func newLogger(cfg config.Log, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// libraryLog keeps what go-redis and Go's own packages say of themselves in our
// log. Of go-redis what matters comes back as an error, so it is kept quiet.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client", "cause", rediserror.Text(fmt.Sprintf(format, v...)))
}

// Write takes a line of package log. What net/http quotes in one is left out: of an
// answer that is longer than it said, the rest, with a token in it perhaps.
func (l libraryLog) Write(line []byte) (int, error) {
	said, _, _ := strings.Cut(string(line), ` "`)
	l.log.Warn("net/http", "cause", strings.TrimSpace(said))
	return len(line), nil
}
