package pool

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"cocart-gateway/upstream/headfilter"
)

// dialing opens a connection, as http.Transport.DialContext and DialTLSContext do.
type dialing func(ctx context.Context, network, address string) (net.Conn, error)

// secured dials by TLS, as net/http itself does (persistConn.addTLS), and filters
// what is decrypted. A connection of HTTP/2 has no header lines to filter; net/http
// has to see its tls.Conn.
//
// t's own TLSClientConfig is read with each connection: net/http adds the protocols
// of ALPN to it before the first one.
func secured(t *http.Transport, dial dialing, dropped func(int)) dialing {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		name, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		cfg := t.TLSClientConfig.Clone()
		if cfg.ServerName == "" {
			cfg.ServerName = name
		}
		if ctx.Value(onlyHTTP1{}) != nil {
			cfg.NextProtos = nil
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, cfg)
		if err := shakeHands(ctx, secure, t.TLSHandshakeTimeout); err != nil {
			_ = conn.Close()
			return nil, err
		}
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			return secure, nil
		}
		return headfilter.New(secure, t.MaxResponseHeaderBytes, dropped), nil
	}
}

// shakeHands returns an error that is a timeout (net.Error) when the handshake takes
// longer than atMost.
func shakeHands(ctx context.Context, conn *tls.Conn, atMost time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err := conn.HandshakeContext(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("TLS handshake timeout: %w", limited.Err())
	}
	return err
}

// onlyHTTP1 is the key of a value in the context of requests that HTTP/2 cannot
// carry. net/http keeps connections for them apart (http.Request.requiresHTTP1), and
// dials with the values of the request's context.
type onlyHTTP1 struct{}

// dialContext is the context of a request, with what secured needs to know of it.
func dialContext(req *http.Request) context.Context {
	if strings.EqualFold(req.Header.Get("Upgrade"), "websocket") && httpguts.HeaderValuesContainsToken(req.Header["Connection"], "upgrade") {
		return context.WithValue(req.Context(), onlyHTTP1{}, true)
	}
	return req.Context()
}
