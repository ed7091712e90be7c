package main

import (
	"fmt"
	"io"
	"os"
)

// progress shows what is done: on a terminal in one line that changes, elsewhere a line for each round.
type progress struct {
	to       io.Writer
	terminal bool
}

func newProgress(to *os.File) progress {
	info, err := to.Stat()
	return progress{to, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (p progress) say(text string) { fmt.Fprintln(p.to, text) }

// step shows the next step; "" clears the line.
func (p progress) step(text string, first bool) {
	switch {
	case p.terminal && text == "":
		fmt.Fprintf(p.to, "\r%-90s\r", "")
	case p.terminal:
		fmt.Fprintf(p.to, "\r%-90s", text)
	case first:
		p.say(text)
	}
}
