package pace_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/pace"
)

// deadlines is a writer that counts the read deadlines that are set.
type deadlines struct {
	*httptest.ResponseRecorder
	set int
}

func (d *deadlines) SetReadDeadline(time.Time) error { d.set++; return nil }

// net/http watches for the client leaving from the end of the body on: a deadline that is set after it would end the request.
func TestABodyThatHasEndedGetsNoDeadline(t *testing.T) {
	for name, body := range map[string]io.Reader{"whole": strings.NewReader("rest_route=/cocart/v2/cart"), "broken": unreadable{}} {
		t.Run(name, func(t *testing.T) {
			w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
			b := pace.NewBody(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body), pace.Pace{Stall: time.Minute})
			_, _ = io.ReadAll(b)
			before := w.set
			b.Within(pace.Pace{Stall: time.Second})
			_, _ = b.Read(make([]byte, 1))
			if before == 0 || w.set != before {
				t.Errorf("%d deadlines, %d of them after the end", w.set, w.set-before)
			}
		})
	}
}

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("no chunk") }
