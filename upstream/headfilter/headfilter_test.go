package headfilter_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"cocart-gateway/upstream/headfilter"
)

type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func through(t *testing.T, text string, oneByOne bool) (string, int) {
	t.Helper()
	var r io.Reader = strings.NewReader(text)
	if oneByOne {
		r = iotest.OneByteReader(r)
	}
	lines := 0
	c := headfilter.New(stream{Reader: r}, 1000, func(n int) { lines += n })
	c.Expect()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), lines
}

func TestOnlyMalformedLinesOfTheHeaderAreRemoved(t *testing.T) {
	const ok, body = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "a b: c\r\n\r\nx"
	for name, row := range map[string]struct{ in, out string }{
		"nothing":                       {ok + "\r\n" + body, ok + "\r\n" + body},
		"a name with a blank":           {ok + "X Y: 1\r\n\r\n" + body, ok + "\r\n" + body},
		"a blank before the colon":      {ok + "Foo : bar\r\n\r\n" + body, ok + "\r\n" + body},
		"no colon":                      {ok + "Warning\r\nA: 1\r\n\r\n" + body, ok + "A: 1\r\n\r\n" + body},
		"no name":                       {ok + ": 1\r\n\r\n" + body, ok + "\r\n" + body},
		"a name in UTF-8":               {ok + "Prénom: 1\r\n\r\n" + body, ok + "\r\n" + body},
		"a value in UTF-8 stays":        {ok + "X: é\r\n\r\n" + body, ok + "X: é\r\n\r\n" + body},
		"a control character":           {ok + "X: a\x00b\r\n\r\n" + body, ok + "\r\n" + body},
		"a bare carriage return":        {ok + "X: a\rB: c\r\n\r\n" + body, ok + "\r\n" + body},
		"folded lines go with it":       {ok + "X Y: 1\r\n Z: 2\r\nA: 1\r\n\r\n" + body, ok + "A: 1\r\n\r\n" + body},
		"folded lines stay with it":     {ok + "X: 1\r\n two\r\n\r\n" + body, ok + "X: 1\r\n two\r\n\r\n" + body},
		"a fold after the status":       {"HTTP/1.1 200 OK\r\n x\r\nA: 1\r\n\r\n" + body, "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n" + body},
		"line feeds alone":              {"HTTP/1.1 200 OK\nX Y: 1\nA: 1\n\n" + body, "HTTP/1.1 200 OK\nA: 1\n\n" + body},
		"an interim answer":             {"HTTP/1.1 103 Early\r\nX Y: 1\r\n\r\n" + ok + "X Y: 1\r\n\r\n" + body, "HTTP/1.1 103 Early\r\n\r\n" + ok + "\r\n" + body},
		"an interim answer with blanks": {"HTTP/1.1  103\r\n\r\n" + ok + "X Y: 1\r\n\r\n" + body, "HTTP/1.1  103\r\n\r\n" + ok + "\r\n" + body},
		"another protocol":              {"HTTP/1.1 101 S\r\nX Y: 1\r\n\r\nHTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n", "HTTP/1.1 101 S\r\n\r\nHTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n"},
		"half a header":                 {ok + "X Y: 1\r\n", ok + "X Y: 1\r\n"},
		"a header without end":          {ok + "X Y: " + strings.Repeat("x", 2000), ok + "X Y: " + strings.Repeat("x", 2000)},
	} {
		for _, oneByOne := range []bool{false, true} {
			got, lines := through(t, row.in, oneByOne)
			if got != row.out || (lines > 0) != (row.in != row.out) {
				t.Errorf("%s: %q, %d lines, want %q", name, got, lines, row.out)
			}
		}
	}
}

// Without them net/http and the origin would disagree on where the answer ends.
func TestLinesThatFrameTheBodyAreNotRemoved(t *testing.T) {
	for _, line := range []string{"Content-Length : 5", " Content-Length: 5", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "X Content-Length: 5",
		"Transfer-Encoding: chun\x00ked", "CONNECTION : close", "Content-Length", "Upgrade : websocket", "Trailer : x"} {
		text := "HTTP/1.1 200 OK\r\nA: 1\r\n" + line + "\r\n\r\n"
		if got, _ := through(t, text, false); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestNothingIsReadAsAHeaderBeforeARequest(t *testing.T) {
	c := headfilter.New(stream{Reader: strings.NewReader("X Y: 1\r\n\r\n")}, 1000, func(int) { t.Error("filtered") })
	if got, err := io.ReadAll(c); string(got) != "X Y: 1\r\n\r\n" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}
