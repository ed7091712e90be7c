package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tab is a page of a Chromium that a test drives by the DevTools protocol, over pipes: a page with a strict policy runs no
// script that a test could put into it.
type tab struct {
	t       *testing.T
	ctx     context.Context
	send    *os.File
	session string

	mu      sync.Mutex // guards what follows
	next    int
	waiting map[int]chan message
	logged  []string // warnings and errors of the console of the browser, and exceptions
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// openTab starts a Chromium with an empty page; both end with the test.
func openTab(t *testing.T) *tab {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("%s is missing: run deploy/demo/install.sh browser", chromium)
	}
	profile, err := os.MkdirTemp("", "browser") // not t.TempDir: Chromium makes a socket in it, whose path must be short
	if err != nil {
		t.Fatal(err)
	}
	theirs, send := pipe(t)
	receive, theirOutput := pipe(t)
	process := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile)
	process.Env = append(os.Environ(), "HOME="+profile, "TMPDIR="+profile)
	process.ExtraFiles = []*os.File{theirs, theirOutput} // descriptors 3 and 4
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirs.Close(), theirOutput.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	b := &tab{t: t, ctx: ctx, send: send, waiting: map[int]chan message{}}
	read := make(chan struct{})
	go func() { defer close(read); b.read(receive) }()
	t.Cleanup(func() {
		cancel()
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		_ = process.Wait() // it was killed
		<-read
		_, _, _ = send.Close(), receive.Close(), os.RemoveAll(profile)
	})
	b.attach()
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// attach makes a page and listens to its console.
func (b *tab) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page.enable", "Runtime.enable", "Log.enable"} {
		b.call(domain, nil, nil)
	}
}

// read passes answers on, and keeps what the browser logs, until the browser ends.
func (b *tab) read(from *os.File) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answered := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		switch m.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
			b.logged = append(b.logged, string(m.Params))
		}
		b.mu.Unlock()
		if answered != nil {
			answered <- m
		}
	}
}

// call sends a command of the protocol and reads its result into result, unless that is nil.
func (b *tab) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.mu.Lock()
	b.next++
	id, answered := b.next, make(chan message, 1)
	b.waiting[id] = answered
	b.mu.Unlock()
	command := map[string]any{"id": id, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	if err == nil {
		_, err = b.send.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-answered:
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil && json.Unmarshal(m.Result, result) != nil {
			b.t.Fatalf("%s: %s", method, m.Result)
		}
	case <-b.ctx.Done():
		b.t.Fatalf("%s: no answer from Chromium", method)
	}
}

// evaluate returns the value of an expression in the page; a promise is awaited.
func (b *tab) evaluate(expression string) any {
	b.t.Helper()
	var done struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &done)
	if done.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, done.ExceptionDetails.Exception.Description)
	}
	return done.Result.Value
}

// until waits for an expression to hold.
func (b *tab) until(expression string) {
	b.t.Helper()
	held := b.evaluate(`new Promise((done) => {
		const holds = () => { try { return Boolean(` + expression + `); } catch { return false; } };
		const end = (held) => { clearInterval(look); clearTimeout(late); done(held); };
		const look = setInterval(() => holds() && end(true), 20);
		const late = setTimeout(() => end(false), 60000);
	})`)
	if held != true {
		b.t.Fatalf("never: %s\nthe page: %v", expression, b.evaluate("document.body.innerText"))
	}
}

// open loads an address.
func (b *tab) open(address string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": address}, nil)
	b.until("document.readyState === 'complete' && location.href.startsWith('" + address + "')")
}

var keyCodes = map[string]int{"Tab": 9, "Enter": 13, "Escape": 27}

// press presses a key, as a person without a mouse does.
func (b *tab) press(key string) {
	b.t.Helper()
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": keyCodes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": keyCodes[key]}, nil)
}

// write types a text into what has the focus.
func (b *tab) write(text string) {
	b.t.Helper()
	b.call("Input.insertText", map[string]any{"text": text}, nil)
}

// look sets the width of the page in CSS pixels, and the colours that the system prefers.
func (b *tab) look(width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// picture returns the whole page as a PNG.
func (b *tab) picture() []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// complaints returns what the browser logged, among it each violation of the policy of the page. Answers with a status of 4xx
// are not complaints, nor is its remark that a field which has the focus already needs none.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, line := range b.logged {
		if !strings.Contains(line, "Failed to load resource") && !strings.Contains(line, "Autofocus processing was blocked") {
			all = append(all, fmt.Sprintf("%.400s", line))
		}
	}
	return all
}
