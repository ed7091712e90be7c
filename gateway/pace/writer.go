package pace

import (
	"net/http"
	"time"
)

// Writer writes a response whose client must keep a pace. http.ResponseController reaches Hijack through Unwrap.
type Writer struct {
	http.ResponseWriter
	Pace Pace
}

// Unwrap returns the writer of net/http.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *Writer) Write(b []byte) (int, error) {
	return w.send(func() (int, error) { return w.ResponseWriter.Write(b) })
}

// FlushError is what http.ResponseController calls to flush: a stream waits for the client here.
func (w *Writer) FlushError() error {
	_, err := w.send(func() (int, error) { return 0, http.NewResponseController(w.ResponseWriter).Flush() })
	return err
}

// send runs one write or flush, which waits for the client only.
func (w *Writer) send(write func() (int, error)) (int, error) {
	w.SetDeadline()
	begin := time.Now()
	n, err := write()
	w.Pace.Moved(n, time.Since(begin))
	return n, err
}

// SetDeadline limits the time in which the client must take what is written next. Only a test's writer has no deadlines.
func (w *Writer) SetDeadline() {
	if at, due := w.Pace.Deadline(time.Now()); due {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(at)
	}
}
