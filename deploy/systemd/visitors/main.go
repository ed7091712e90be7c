// Command visitors is what stands on both sides of the gateway where
// deploy/systemd/real.sh tries the units: "visitors shop ADDRESS" answers in
// the place of WordPress, and "visitors come URL" sends orders until SIGTERM,
// counts, and fails if one was lost.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch args := strings.Join(os.Args[1:], " "); {
	case strings.HasPrefix(args, "shop "):
		err = shop(ctx, os.Args[2])
	case strings.HasPrefix(args, "come "):
		err = come(ctx, os.Args[2])
	default:
		err = errors.New("usage: visitors shop ADDRESS, or visitors come URL")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "visitors:", err)
		os.Exit(1) //nolint:gocritic // stop only gives the signals back
	}
}

// shop repeats an order; /slow takes two seconds over it.
func shop(ctx context.Context, address string) error {
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(2 * time.Second)
		}
		_, _ = io.Copy(w, r.Body) // a client that left
	})}
	ended := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer ended()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pace is how long a visitor rests: a machine without time for anything else
// would show nothing but that.
const pace = 10 * time.Millisecond

// visitors is how many of each kind come: those who keep their connection, and
// those who open one for each order.
const visitors = 4

func come(ctx context.Context, url string) error {
	var tally tally
	var all sync.WaitGroup
	for i := range 2 * visitors {
		all.Go(func() { tally.visit(ctx, url, i%2 == 0) })
	}
	all.Wait()
	fmt.Printf("%d requests, %d lost\n", tally.sent.Load(), tally.lost.Load())
	if first := tally.first.Load(); first != nil {
		return *first
	}
	return nil
}

type tally struct {
	sent, lost atomic.Int64
	first      atomic.Pointer[error]
}

func (t *tally) visit(ctx context.Context, url string, stays bool) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !stays}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		t.sent.Add(1)
		if err := order(client, url); err != nil {
			t.lost.Add(1)
			t.first.CompareAndSwap(nil, &err)
		}
		time.Sleep(pace)
	}
}

// order is a POST, which no client sends again by itself: what is lost stays
// lost. It goes on to its end also after SIGTERM.
func order(client *http.Client, url string) error {
	const words = "one order"
	answer, err := client.Post(url, "text/plain", struct{ io.Reader }{strings.NewReader(words)}) //nolint:gosec,noctx // see above; the address is an argument
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && string(text) != words {
		err = fmt.Errorf("%s: %.200s", answer.Status, text)
	}
	return err
}
