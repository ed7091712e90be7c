// Package respond writes the answers that the gateway makes itself: failures in the form that CoCart's clients, browsers and
// XML-RPC clients read, and other answers of its own. No other package writes the body of an error.
//
//	respond.go  the failure and the writers
//	code.go     the codes and the table that states everything about each; deploy/docs/errors.md is generated from it
package respond

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"strconv"
)

// Failure is a refusal, or another error that the gateway answers itself. The client reads Code and Message, in the form of
// CoCart. Only the log contains Cause. [Fail] makes one from the table of codes.
type Failure struct {
	Status  int
	Code    Code
	Message string
	// Challenge goes into WWW-Authenticate (RFC 9110 section 11.6.1).
	Challenge string
	// RetryAfter is in seconds; 0 for no header. CoCart's SDKs read whole seconds only.
	RetryAfter int
	// Allow lists the methods that the route accepts, in a 405 (RFC 9110 section 15.5.6).
	Allow string
	// Problems is a list for administrators.
	Problems []string
	// Answer is what WordPress answered, a JSON object, where it has acted and the gateway could not do its part.
	Answer json.RawMessage
	Cause  error
}

func (f *Failure) Error() string {
	if f.Cause != nil {
		return string(f.Code) + ": " + f.Cause.Error()
	}
	return string(f.Code) + ": " + f.Message
}

func (f *Failure) Unwrap() error { return f.Cause }

// Error writes a failure as a REST client reads it, in the form of CoCart.
func Error(w http.ResponseWriter, r *http.Request, f *Failure) {
	prepareFailure(w.Header(), f)
	type data struct {
		Status   int             `json:"status"`
		Problems []string        `json:"problems,omitempty"`
		Answer   json.RawMessage `json:"answer,omitempty"`
	}
	JSON(w, r, f.Status, struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
		Data    data   `json:"data"`
	}{f.Code, f.Message, data{f.Status, f.Problems, f.Answer}})
}

// Page writes a failure to a browser.
func Page(w http.ResponseWriter, r *http.Request, f *Failure) {
	prepareFailure(w.Header(), f)
	text := "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\"><title>" +
		http.StatusText(f.Status) + "</title><h1>" + http.StatusText(f.Status) + "</h1><p>" + html.EscapeString(f.Message) + "</p></html>\n"
	Bytes(w, r, f.Status, []byte(text), "text/html; charset=UTF-8")
}

func prepareFailure(h http.Header, f *Failure) {
	clear(h) // a handler may have prepared headers of another answer
	if f.Challenge != "" {
		h.Set("WWW-Authenticate", f.Challenge)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.Allow != "" {
		h.Set("Allow", f.Allow)
	}
}

// JSON writes an answer of our own. Caches must not store it.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("respond: an answer cannot be encoded: " + err.Error()) // only our own types come here
	}
	Bytes(w, r, status, text, "application/json; charset=UTF-8")
}

// Bytes writes an answer of our own. Caches must not store it unless its header says so.
func Bytes(w http.ResponseWriter, r *http.Request, status int, text []byte, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // a client that left needs no answer
	}
}

// Fault writes a refusal as wp_xmlrpc_server::login() does, with its code 403.
func Fault(w http.ResponseWriter, r *http.Request, f *Failure) {
	prepareFailure(w.Header(), f)
	var message bytes.Buffer
	_ = xml.EscapeText(&message, []byte(f.Message)) // a Buffer takes everything
	text := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><fault><value><struct>"+
		"<member><name>faultCode</name><value><int>403</int></value></member>"+
		"<member><name>faultString</name><value><string>%s</string></value></member>"+
		"</struct></value></fault></methodResponse>\n", message.String())
	Bytes(w, r, http.StatusOK, []byte(text), "text/xml; charset=UTF-8")
}
