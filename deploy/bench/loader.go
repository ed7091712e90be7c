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

// order is what the process that sends requests is asked: a plan, whose requests may come from a file that it reads once.
type order struct {
	load.Plan
	File string
}

// reply is its answer.
type reply struct {
	load.Result
	Error string
}

// obey is that process: it reads orders, one in a line, and writes a reply to each.
func obey(in io.Reader, out io.Writer) error {
	files := map[string][][]byte{}
	orders, replies := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r reply
		if err := o.fill(files); err != nil {
			r.Error = err.Error()
		} else if r.Result, err = load.Run(o.Plan); err != nil {
			r.Error = err.Error()
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

func (o *order) fill(files map[string][][]byte) error {
	if o.File == "" {
		return nil
	}
	if files[o.File] == nil {
		text, err := os.ReadFile(o.File)
		if err != nil {
			return err
		}
		var requests [][]byte
		if err := json.Unmarshal(text, &requests); err != nil {
			return err
		}
		files[o.File] = requests
	}
	o.Requests = files[o.File]
	return nil
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

func (l *loader) run(p load.Plan, file string) (load.Result, error) {
	if err := l.orders.Encode(order{Plan: p, File: file}); err != nil {
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
