package rediserror_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/rediserror"
	"cocart-gateway/tokens/tokenstest"
)

func TestTextsKeepWhatIsNoQuotation(t *testing.T) {
	for text, want := range map[string]string{
		"ERR unknown command 'evalsha', with args beginning with: 'canary' '1' 'cocart:s:canary' ": "ERR unknown command 'evalsha'",
		"ERR unknown command `evalsha`, with args beginning with: `canary`, `1`, ":                 "ERR unknown command `evalsha`",
		"dial: ERR unknown command 'AUTH', with args beginning with: 'canary' \nthe second":        "dial: ERR unknown command 'AUTH'\nthe second",
		"NOPERM User gateway has no permissions to run the 'get' command":                          "NOPERM User gateway has no permissions to run the 'get' command",
		`redis: can't parse reply="$canary \" more" reading string`:                                `redis: can't parse reply="…" reading string`,
		`redis: invalid reply: "canary"`:                                                           `redis: invalid reply: "…"`,
		`strconv.ParseInt: parsing "canary": invalid syntax`:                                       `strconv.ParseInt: parsing "…": invalid syntax`,
		"dial tcp 127.0.0.1:6379: connect: connection refused":                                     "dial tcp 127.0.0.1:6379: connect: connection refused",
		`x509: certificate signed by unknown authority ("Shop CA")`:                                `x509: certificate signed by unknown authority ("Shop CA")`,
	} {
		if got := rediserror.Text(text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestErrorsAreFoundAsBefore(t *testing.T) {
	plain := fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
	if rediserror.Of(plain) != plain || rediserror.Of(redis.Nil) != redis.Nil || rediserror.Of(nil) != nil {
		t.Error("an error that quotes nothing was replaced")
	}
	quoting := fmt.Errorf("redis: invalid reply: %q: %w", "canary", io.ErrUnexpectedEOF)
	var answered redis.Error
	if got := rediserror.Of(quoting); !errors.Is(got, io.ErrUnexpectedEOF) || errors.As(got, &answered) || strings.Contains(got.Error(), "canary") {
		t.Errorf("%v", got)
	}
}

// A command that the operator has renamed is one that Redis does not know.
func TestNoErrorOfAClientQuotesArgumentsOnRealRedis(t *testing.T) {
	const canary = "canary-of-this-test"
	server := tokenstest.Redis(t, "--rename-command", "GET", "", "--rename-command", "HELLO", "", "--rename-command", "AUTH", "", "--rename-command", "EVALSHA", "")
	client := server.Client()
	_, raw := client.Get(t.Context(), canary).Result()
	if raw == nil || !strings.Contains(raw.Error(), canary) {
		t.Fatalf("Redis quotes nothing, so this test says nothing: %v", raw)
	}
	client.AddHook(rediserror.Unquoted())
	check := func(what string, err error, want string) {
		t.Helper()
		var answered redis.Error
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(fmt.Sprintf("%+v", err), canary) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
		if !errors.As(err, &answered) || strings.Contains(answered.Error(), canary) {
			t.Errorf("%s is no error of Redis, or quotes as one: %v", what, answered)
		}
	}
	check("a command", client.Get(t.Context(), canary).Err(), "ERR unknown command 'get'")
	check("a script", redis.NewScript("return 1").EvalSha(t.Context(), client, []string{canary}, canary).Err(), "ERR unknown command 'evalsha'")
	pipeline := client.Pipeline()
	got, set := pipeline.Get(t.Context(), canary), pipeline.Set(t.Context(), canary, canary, 0)
	_, err := pipeline.Exec(t.Context())
	check("a pipeline", err, "ERR unknown command 'get'")
	check("a command of a pipeline", got.Err(), "ERR unknown command 'get'")
	if set.Err() != nil {
		t.Error(set.Err())
	}
	locked := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: canary, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
	defer locked.Close()
	locked.AddHook(rediserror.Unquoted())
	check("the password", locked.Ping(t.Context()).Err(), "unknown command 'auth'")
}
