package tokens

import (
	"cocart-gateway/tokens/cluster"
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

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
