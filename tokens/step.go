package tokens

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/refreshtoken"
	"cocart-gateway/tokens/revocation"
)

// step is what rotate.lua decided, and in a whole refresh what happened besides.
type step struct {
	outcome    Outcome
	generation uint64  // the current one, after the step
	owed       string  // what the revocation log must receive, or received
	was        *record // the session before the step; nil without one
	proofs     uint64  // the last generation of which the hash has a proof; 0 without any
	covered    bool    // by a cutoff in Redis
}

// unproven is the answer of rotate.lua where the gateway must check the token itself. It never leaves this package.
const unproven Outcome = "unproven"

// overLimit is the answer of refresh.lua after a limit refused.
const overLimit Outcome = "limited"

// The modes of rotate.lua.
const (
	rotateMode = "rotate"
	peekMode   = "peek"
	provenMode = "proven"
)

// ownClient stands for the client of the session's last refresh.
const ownClient = "own"

// stepOf describes one step to be made.
type stepOf struct {
	token  refreshtoken.Token
	from   Client
	client string // digest of from, or ownClient
	mode   string
	proofs string // to be kept
	now    int64  // Unix ms
}

// arguments are those of rotate.lua.
func (o stepOf) arguments(cfg Config) []any {
	return []any{o.token.Generation, o.now, milliseconds(cfg.RefreshGrace), string(cfg.LostAnswer),
		milliseconds(cfg.RefreshTTL), milliseconds(cfg.SessionTTL), o.from.Address, o.from.Device,
		milliseconds(outlives), milliseconds(cfg.tombstone()), o.mode,
		o.client, string(cfg.ReuseBySameClient), milliseconds(cfg.reuseWindow()), o.token.Proof(), o.proofs}
}

// step makes one step of a session by itself.
func (s store) step(ctx context.Context, o stepOf, cfg Config) (step, error) {
	answer, err := stepScript.Run(ctx, s, []string{s.session(o.token.Session)}, o.arguments(cfg)...).Slice()
	if err != nil {
		return step{}, err
	}
	return parseStep(o.token.Session, answer)
}

// parseStep reads the first four values that step.lua and refresh.lua answer.
func parseStep(id revocation.SessionID, answer []any) (step, error) {
	if len(answer) < 4 {
		return step{}, fmt.Errorf("the rotation script answered %d values", len(answer))
	}
	text := func(i int) string { s, _ := answer[i].(string); return s }
	out := step{outcome: Outcome(text(0)), owed: text(2)}
	if out.outcome == overLimit {
		return out, nil
	}
	var err error
	if out.generation, err = strconv.ParseUint(text(1), 10, 64); err != nil {
		return step{}, fmt.Errorf("the rotation script answered a generation that is no number: %w", err)
	}
	fields, _ := answer[3].([]any)
	if len(fields) < len(recordFields) {
		return step{}, fmt.Errorf("the rotation script answered %d fields", len(fields))
	}
	out.was = parseRecord(id, fields)
	if proofs, ok := fields[len(fields)-1].(string); ok {
		out.proofs = refreshtoken.LastProven(proofs)
	}
	return out, nil
}

// entry returns what the revocation log must receive of a step, or received; ok is false if that is nothing.
func (s step) entry(id revocation.SessionID, now int64) (e revocation.Entry, ok bool, err error) {
	switch {
	case s.owed == "" || s.outcome == OutcomeSuperseded || s.outcome == OutcomeExpired:
		return e, false, nil
	case s.outcome == OutcomeEnded:
		return revocation.SessionEnded(id, s.was.ended), true, nil
	case s.owed == "end":
		return revocation.SessionEnded(id, now), true, nil
	}
	from, err := strconv.ParseInt(s.owed, 10, 64)
	if err != nil {
		return e, false, unavailable("reading what the revocation log misses", err)
	}
	return revocation.GenerationsEnded(id, s.generation, from), true, nil
}

// stepWhole makes a whole refresh in one round trip: all keys are on one server.
func (a *Authority) stepWhole(ctx context.Context, o stepOf, g Gate) (step, error) {
	s, id := a.store, o.token.Session
	spent, err := spending(g)
	if err != nil {
		return step{}, err
	}
	keys := []string{s.session(id), s.revocations(), s.allCutoff(), s.lifetimes()}
	lifetime, noted := a.lifetimeDue(), false
	defer func() {
		if !noted {
			a.lifetimeLost(lifetime)
		}
	}()
	args := append(o.arguments(a.cfg), id.String(), s.prefix+"c:", s.prefix+"u:", milliseconds(a.cfg.RefreshTTL+outlives), lifetime)
	if spent.Key != "" {
		keys, args = append(keys, spent.Key), append(args, spent.Args...)
	}
	answer, err := refreshScript(spent.Function).Run(ctx, s, keys, args...).Slice()
	if s.foundApart(err, a.cfg.Log) {
		return step{}, err
	}
	if err == nil && len(answer) != 6 {
		err = fmt.Errorf("the refresh script answered %d values instead of 6", len(answer))
	}
	if err != nil {
		return step{}, errors.Join(counted(g, spent, nil, err), unavailable("rotating session", err))
	}
	drawn, _ := answer[5].([]any)
	if err := counted(g, spent, drawn, nil); err != nil {
		return step{}, err
	}
	st, err := parseStep(id, answer)
	if err != nil {
		return step{}, unavailable("rotating session", err)
	}
	noted = st.outcome.rejection() == nil && st.outcome != unproven
	st.covered = answer[4] == int64(1)
	e, logged, err := st.entry(id, o.now)
	if logged {
		a.log.Wrote(e)
	}
	return st, err
}

// stepApart makes the second round trip of a refresh on a cluster. The revocation log receives what the first one foretold:
// that is true also if the step turns out otherwise, since another request then made it.
func (a *Authority) stepApart(ctx context.Context, o stepOf, foretold step) (step, error) {
	s, id := a.store, o.token.Session
	ctx = context.WithoutCancel(ctx)
	e, logs, err := foretold.entry(id, o.now)
	if err != nil {
		return step{}, err
	}
	calls := []cluster.Call{{Script: stepScript, Key: s.session(id), Args: o.arguments(a.cfg)}}
	pipe := s.Pipeline()
	cluster.Queue(ctx, pipe, calls)
	cut := s.cutoffs(ctx, pipe, foretold.was)
	s.addToIndex(ctx, pipe, foretold.was, milliseconds(a.cfg.RefreshTTL+outlives))
	lifetime := a.lifetimeDue()
	if lifetime != "" {
		s.noteLifetime(ctx, pipe, o.now, lifetime)
	}
	if logs {
		pipe.XAdd(ctx, a.log.Command(e))
	}
	commands, _ := pipe.Exec(ctx) // each command has its own error
	if err := cluster.Retry(ctx, s.UniversalClient, calls); err != nil {
		return step{}, unavailable("rotating session", err)
	}
	for _, c := range commands[1:] {
		if missing(c.Err()) != nil {
			a.lifetimeLost(lifetime)
			return step{}, unavailable("rotating session", c.Err())
		}
	}
	answer, err := calls[0].Cmd.Slice()
	if err != nil {
		return step{}, unavailable("rotating session", err)
	}
	st, err := parseStep(id, answer)
	if err != nil {
		return step{}, unavailable("rotating session", err)
	}
	if logs {
		a.log.Wrote(e)
	}
	if st.covered = cut.cover(foretold.was); st.covered && st.was != nil {
		st.was.fingerprint = foretold.was.fingerprint // whose cutoff it is; the session may have another one since
	}
	return st, a.logDifference(ctx, id, o.now, st, foretold)
}

// logDifference writes what the step owes beyond what was foretold. What the log has is cleared from the hash by Run.
func (a *Authority) logDifference(ctx context.Context, id revocation.SessionID, now int64, st, foretold step) error {
	if st.owed == "" {
		return nil
	}
	if st.owed == foretold.owed && st.generation == foretold.generation {
		a.notes.settle(id, st.owed)
		return nil
	}
	e, logs, err := st.entry(id, now)
	if err != nil || !logs {
		return err
	}
	return a.logAndSettle(ctx, e, id, st.owed)
}

// peekCounted makes the first round trip of a refresh on a cluster: it counts the limit and reads the session.
func (a *Authority) peekCounted(ctx context.Context, o stepOf, g Gate) (step, error) {
	spent, err := spending(g)
	if err != nil {
		return step{}, err
	}
	o.mode = peekMode
	calls := []cluster.Call{{Script: stepScript, Key: a.store.session(o.token.Session), Args: o.arguments(a.cfg)}}
	if spent.Key != "" {
		calls = append(calls, cluster.Call{Script: spent.Script, Key: spent.Key, Args: spent.Args})
	}
	_ = cluster.Run(ctx, a.store.UniversalClient, calls) // each call has its own error
	if spent.Key != "" {
		drawn, failed := calls[1].Cmd.Slice()
		if err := counted(g, spent, drawn, failed); err != nil {
			return step{}, err
		}
	}
	answer, err := calls[0].Cmd.Slice()
	if err != nil {
		return step{}, unavailable("reading session", err)
	}
	st, err := parseStep(o.token.Session, answer)
	if err != nil {
		return step{}, unavailable("reading session", err)
	}
	return st, nil
}

var _ redis.Scripter = store{}

// Gate is a limit on refreshes that is counted in the round trip of the refresh itself. Package attempts implements it. One
// Gate serves one request. A nil Gate counts nothing.
type Gate interface {
	// Spending returns what is to be counted with the refresh; the zero value where it was counted otherwise. The error
	// refuses the refresh.
	Spending() (cluster.Draw, error)
	// Counted takes what the function of Spending answered, or the error of the round trip. Its error refuses the refresh.
	Counted(answer []any, failed error) error
	// Alone counts a request that comes to no refresh. Its error refuses the request.
	Alone(ctx context.Context) error
}

// limited carries the error of a Gate out of the refresh: it is neither a Rejection nor an Outcome, and is not counted as
// a refresh.
type limited struct{ error }

func (l limited) Unwrap() error { return l.error }

func spending(g Gate) (cluster.Draw, error) {
	if g == nil {
		return cluster.Draw{}, nil
	}
	s, err := g.Spending()
	if err != nil {
		return cluster.Draw{}, limited{err}
	}
	return s, nil
}

// counted hands the answer of a Gate's function to it, if one was asked.
func counted(g Gate, s cluster.Draw, answer []any, failed error) error {
	if s.Key == "" {
		return nil
	}
	if err := g.Counted(answer, failed); err != nil {
		return limited{err}
	}
	return nil
}

// countAlone counts a request whose token is refused without Redis, and returns why it is refused.
func countAlone(ctx context.Context, g Gate, err error) error {
	if g == nil {
		return err
	}
	if refused := g.Alone(ctx); refused != nil {
		return limited{refused}
	}
	return err
}

// refreshScripts are the scripts of a whole refresh, by the text of the function that counts.
var refreshScripts sync.Map

func refreshScript(function string) *redis.Script {
	if s, ok := refreshScripts.Load(function); ok {
		return s.(*redis.Script)
	}
	s, _ := refreshScripts.LoadOrStore(function, redis.NewScript(function+finishSource+rotateSource+refreshSource))
	return s.(*redis.Script)
}
