package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"cocart-gateway/deploy/bench/load"
	"cocart-gateway/deploy/demo/child"
)

// order is what the process that sends requests is asked.
type order struct {
	load.Plan
	File  string // of the plan's requests; it is read once
	HTTP2 bool   // over TLS, with this authority
	CA    string
	Hold  bool // open the connections and keep them idle until the process ends
}

// reply is its answer.
type reply struct {
	load.Result
	Error string
}

// sender is that process.
type sender struct {
	files map[string][][]byte
	held  []*load.Held
}

// obey reads orders, one in a line, and writes a reply to each.
func obey(in io.Reader, out io.Writer) error {
	s := sender{files: map[string][][]byte{}}
	orders, replies := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		result, err := s.carryOut(o)
		r := reply{Result: result}
		if err != nil {
			r.Error = err.Error()
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

func (s *sender) carryOut(o order) (result load.Result, err error) {
	if o.File != "" {
		if o.Requests, err = s.read(o.File); err != nil {
			return result, err
		}
	}
	switch {
	case o.Hold:
		var h *load.Held
		if h, err = load.Hold(o.Plan); err == nil {
			s.held = append(s.held, h)
		}
	case o.HTTP2:
		return load.RunHTTP2(o.Plan, o.CA)
	default:
		return load.Run(o.Plan)
	}
	return result, err
}

func (s *sender) read(file string) ([][]byte, error) {
	if s.files[file] == nil {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var requests [][]byte
		if err := json.Unmarshal(text, &requests); err != nil {
			return nil, err
		}
		s.files[file] = requests
	}
	return s.files[file], nil
}

// loader is our end of that process.
type loader struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	replies *json.Decoder
}

func startLoader(ctx context.Context) (*loader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &loader{cmd: child.Command(ctx, child.Program{Args: []string{self, "load"}})}
	l.cmd.Stderr = os.Stderr
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.orders, l.replies = json.NewEncoder(l.in), json.NewDecoder(bufio.NewReader(out))
	return l, l.cmd.Start()
}

// group is its process group.
func (l *loader) group() int { return l.cmd.Process.Pid }

func (l *loader) ask(o order) (load.Result, error) {
	if err := l.orders.Encode(o); err != nil {
		return load.Result{}, err
	}
	var r reply
	if err := l.replies.Decode(&r); err != nil {
		return load.Result{}, fmt.Errorf("the process that sends requests: %w", err)
	}
	if r.Error != "" {
		return load.Result{}, errors.New(r.Error)
	}
	return r.Result, nil
}

// stop ends it; it ends by itself when nothing can be asked any more.
func (l *loader) stop() error {
	return errors.Join(l.in.Close(), l.cmd.Wait())
}

// short is for requests that only warm up.
const short = 300 * time.Millisecond
