// Command bare is the measure of make bench: httputil.ReverseProxy with as many idle connections as it can use and a
// pool of buffers, and nothing else.
//
//	bare LISTEN ORIGIN     e.g. bare 127.0.0.1:8080 127.0.0.1:8000
package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bare LISTEN ORIGIN")
		os.Exit(2)
	}
	server := &http.Server{Addr: os.Args[1], Handler: proxy(os.Args[2]), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, "bare:", server.ListenAndServe())
	os.Exit(1)
}

func proxy(origin string) http.Handler {
	to := &url.URL{Scheme: "http", Host: origin}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:  &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512, DisableCompression: true},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte     { return b.pool.Get().(*[32 << 10]byte)[:] }
func (b *buffers) Put(used []byte) { b.pool.Put((*[32 << 10]byte)(used)) }
