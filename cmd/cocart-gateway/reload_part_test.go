package main

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// Whatever else a reload concerns has a say before anything changes.
func TestAPartThatRefusesAConfigurationKeepsAllOfTheOneBefore(t *testing.T) {
	path := configFile(t, "127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1")
	from := &configSource{Source: config.NewSource(path, noEnv, checkKey)}
	cfg, err := from.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.from = from
	refusal, used := errors.New("a certificate does not fit its key"), 0
	p.parts = []part{
		func(*config.Config) (func(), error) { return func() { used++ }, nil },
		func(*config.Config) (func(), error) { return func() { used++ }, refusal },
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, path, string(text)+"compat: {invalid_token_status: 403}\n")
	if _, problems := p.reload("test"); len(problems) != 1 || problems[0] != refusal.Error() || used != 0 || p.inForce() != cfg {
		t.Errorf("%v, %d parts changed, in force: %v", problems, used, p.inForce() != cfg)
	}
	refusal = nil
	if _, problems := p.reload("test"); problems != nil || used != 2 || p.inForce().Compat.InvalidTokenStatus != 403 {
		t.Errorf("%v, %d parts changed, in force: %+v", problems, used, p.inForce().Compat)
	}
	p.startReloading()()
	if _, problems := p.reload("test"); len(problems) != 1 || problems[0] != errStopping.Error() {
		t.Errorf("after the end: %v", problems)
	}
}
