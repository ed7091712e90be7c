// Package rediserror removes from errors of Redis what they quote: arguments of commands and parts of answers.
//
// Errors reach the log, the doctor, administrators and answers. Redis quotes up to 128 bytes of the arguments of a command that
// it does not know, such as one that is renamed: keys with ids of sessions, names of customers, proofs of tokens, and of AUTH
// and HELLO the password. The client library quotes an answer that it cannot read.
package rediserror

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Unquoted returns the hook of a client whose errors quote nothing. Add it before other hooks, so that what these make of an
// error is covered, too. errors.Is and errors.As find what they found before.
func Unquoted() redis.Hook { return unquoted{} }

type unquoted struct{}

// DialHook does nothing: no command was sent yet.
func (unquoted) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook covers one command.
func (unquoted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := Of(next(ctx, cmd))
		cmd.SetErr(err)
		return err
	}
}

// ProcessPipelineHook covers many commands, each of which has an error of its own.
func (unquoted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := Of(next(ctx, cmds))
		for _, cmd := range cmds {
			cmd.SetErr(Of(cmd.Err()))
		}
		return err
	}
}

// Of returns an error like err that quotes nothing: err itself if it does not.
func Of(err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	text := err.Error()
	if short := Text(text); short != text {
		var answered redis.Error
		if errors.As(err, &answered) {
			return answer{cut{err, short}}
		}
		return cut{err, short}
	}
	return err
}

type cut struct {
	error
	text string
}

func (c cut) Error() string { return c.text }

// Unwrap gives errors.Is and errors.As the error as it was.
func (c cut) Unwrap() error { return c.error }

// answer is an error that a server answered. errors.As finds this one, and not the one that quotes.
type answer struct{ cut }

// RedisError implements [redis.Error].
func (answer) RedisError() {}

// arguments begin thus in the error of Redis, and of servers like it, about an unknown command. They end with the line.
var arguments = regexp.MustCompile(`,? *with args beginning with.*`)

// reading is what the library and strconv say about an answer that they cannot read.
var reading = regexp.MustCompile(`(redis: [^"\n]*|got line |parsing )"(?:[^"\\\n]|\\.)*"?`)

// Text returns the text of an error without what it quotes.
func Text(text string) string {
	if strings.Contains(text, "with args") {
		text = arguments.ReplaceAllString(text, "")
	}
	if strings.Contains(text, `"`) {
		text = reading.ReplaceAllString(text, `$1"…"`)
	}
	return text
}
