package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"cocart-gateway/cmd/cocart-gateway/logsink"
)

// configSource is where the configuration of a running gateway comes from, and how it was when it was last read.
type configSource struct {
	path string
	env  func(string) (string, bool)

	mu    sync.Mutex        // guards what follows
	files []string          // the configuration, then the files that it names
	sum   string            // of what they held
	held  map[string][]byte // what files held when they were last read well, those of keys that wait for a restart too

	hangups chan os.Signal
	logs    *logsink.Switch
	sink    *logsink.Sink
}

// load reads and checks it. What it read is remembered also if it is bad, so that a mistake is reported once.
func (s *configSource) load() (*Config, error) {
	var files []string
	sum, held := sha256.New(), map[string][]byte{}
	src := source{dir: filepath.Dir(s.path), env: s.env, file: func(path string, limit int64) ([]byte, *mistake) {
		files = append(files, path)
		data, m := summed(sum, path, limit)
		if m == nil {
			held[path] = data
		}
		return data, m
	}}
	c, err := loadConfigFrom(s.path, src)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.sum = files, string(sum.Sum(nil))
	if s.held == nil {
		s.held = map[string][]byte{}
	}
	maps.Copy(s.held, held)
	return c, err
}

// remembered is a world without variables, in which files hold what was found when they were loaded. So what is judged
// is what was read, and a file that only the configuration in force names may be gone.
func (s *configSource) remembered() source {
	return source{
		env: func(string) (string, bool) { return "", false }, // every $ is escaped by now
		file: func(path string, _ int64) ([]byte, *mistake) {
			s.mu.Lock()
			defer s.mu.Unlock()
			data, known := s.held[path]
			if !known {
				return nil, &mistake{value: "the file was not read"}
			}
			return data, nil
		},
	}
}

// summed reads a file and notes in sum what was found, also if that is nothing.
func summed(sum hash.Hash, path string, limit int64) ([]byte, *mistake) {
	data, m := readBounded(path, limit)
	_, _ = fmt.Fprintf(sum, "%q %q %v\n", path, data, m) // a hash takes everything
	return data, m
}

// changed reports whether the files hold something else than when they were last read.
func (s *configSource) changed() bool {
	files, before := s.read()
	sum := sha256.New()
	for i, path := range files {
		limit := int64(maxSecretFile)
		if i == 0 {
			limit = maxConfigFile
		}
		_, _ = summed(sum, path, limit)
	}
	return string(sum.Sum(nil)) != before
}

func (s *configSource) read() (files []string, sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files), s.sum
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
func (s *configSource) log(cfg *Config, stderr io.Writer) *slog.Logger {
	s.sink = logsink.New(stderr, logsink.DefaultSize, func(lines int) {
		slog.New(s.logs).Warn("log lines were dropped: the reader of the log was too slow or had stopped", "lines", lines)
	})
	s.logs = logsink.NewSwitch(s.handler(cfg))
	return slog.New(s.logs)
}

func (s *configSource) relog(cfg *Config) {
	if s.logs != nil {
		s.logs.Use(s.handler(cfg))
	}
}

func (s *configSource) handler(cfg *Config) slog.Handler {
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
