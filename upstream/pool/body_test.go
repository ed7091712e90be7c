package pool

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// punctual is a body whose next piece arrives in the moment in which the gateway
// loses its patience.
type punctual struct {
	giveUp func()
	pieces []string
	last   error
}

func (b *punctual) Read(p []byte) (int, error) {
	b.giveUp()
	if len(b.pieces) == 0 {
		return 0, b.last
	}
	n := copy(p, b.pieces[0])
	b.pieces = b.pieces[1:]
	return n, nil
}

func (b *punctual) Close() error { return nil }

func TestAnAnswerWhoseEndComesInTheMomentOfGivingUpIsWhole(t *testing.T) {
	for name, row := range map[string]struct{ last, want error }{
		"the end":                 {io.EOF, nil},
		"no more than its middle": {http.ErrBodyReadAfterClose, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(Config{Origins: []*url.URL{{Scheme: "http", Host: "shop.example"}}, Now: time.Now}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			place, err := p.Take(t.Context(), Claim{Group: Site})
			if err != nil {
				t.Fatal(err)
			}
			slow := &punctual{pieces: []string{"all ", "of it"}, last: row.last}
			resp := &http.Response{StatusCode: http.StatusOK, Body: slow}
			keepMoving(resp, time.Hour, place)
			slow.giveUp = resp.Body.(*movingBody).giveUp
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != "all of it" || !errors.Is(err, row.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
