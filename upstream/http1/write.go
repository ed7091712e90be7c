package http1

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// appendHead appends the header of a request as http.Request.Write has it. length is that of the body; less than zero:
// chunked.
func appendHead(b []byte, req *http.Request, length int64) ([]byte, error) {
	target := req.URL.RequestURI()
	if hasControl(target) {
		return b, errors.New("http1: the target has a control character")
	}
	host, err := hostOf(req)
	if err != nil {
		return b, err
	}
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	if req.Close && !httpguts.HeaderValuesContainsToken(req.Header["Connection"], "close") {
		b = append(b, "Connection: close\r\n"...)
	}
	b = appendLength(b, req.Method, length)
	for name, values := range req.Header {
		if framesRequest(name) || name == "User-Agent" && (len(values) == 0 || values[0] == "") {
			continue
		}
		for _, v := range values {
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, textproto.TrimString(v)...)
			b = append(b, "\r\n"...)
		}
	}
	return append(b, "\r\n"...), nil
}

// appendLength states the length of a body. Servers expect it of these methods, even where it is zero.
func appendLength(b []byte, method string, length int64) []byte {
	switch {
	case length < 0:
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	case length > 0, method == http.MethodPost, method == http.MethodPut, method == http.MethodPatch:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		return append(b, "\r\n"...)
	}
	return b
}

// framesRequest reports whether a header says where a request ends or whom it is for: only this package may write it, in
// whatever spelling it is (RFC 9112 section 11.2, request smuggling).
func framesRequest(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// hostOf is what goes into the Host header, as net/http cleans it: nothing that is not valid, and no IPv6 zone.
func hostOf(req *http.Request) (string, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil {
		return "", err
	}
	if !httpguts.ValidHostHeader(host) {
		return "", nil
	}
	if end := strings.LastIndexByte(host, ']'); end > 0 && host[0] == '[' {
		if zone := strings.LastIndexByte(host[:end], '%'); zone > 0 {
			return host[:zone] + host[end:], nil
		}
	}
	return host, nil
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
