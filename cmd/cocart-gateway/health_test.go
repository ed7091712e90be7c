package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/server"
)

// gatewaysAdmin answers as the admin listener of a gateway whose WordPress is away.
func gatewaysAdmin(t *testing.T, network, address string) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok := map[string]string{"/healthz": "ok\n", "/servez": "serving\n"}[r.URL.Path]; ok != "" {
			_, _ = w.Write([]byte(ok))
			return
		}
		http.Error(w, "wordpress: no answer", http.StatusServiceUnavailable)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String()
}

func TestHealthcheckSaysWhatTheGatewaySays(t *testing.T) {
	running := gatewaysAdmin(t, "tcp", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(running)
	if err != nil {
		t.Fatal(err)
	}
	silent := freeAddress(t)
	for name, row := range map[string]struct {
		admin          string
		flags          []string
		code           int
		stdout, stderr string
	}{
		"it runs":                           {running, nil, 0, "ok\n", ""},
		"it runs and listens on everything": {":" + port, nil, 0, "ok\n", ""},
		"it runs and listens on 0.0.0.0":    {"0.0.0.0:" + port, nil, 0, "ok\n", ""},
		"it runs, and WordPress does not":   {running, []string{"--ready"}, 1, "wordpress: no answer\n", "cocart-gateway: /readyz on " + running + " answered 503\n"},
		"it serves, and WordPress does not": {running, []string{"--serving"}, 0, "serving\n", ""},
		"two questions at once":             {running, []string{"--serving", "--ready"}, 2, "", "cocart-gateway: healthcheck asks one thing: --ready or --serving\n"},
		"nothing listens":                   {silent, nil, 1, "", "cocart-gateway: asking /healthz on " + silent + ": "},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := newOutput(), newOutput()
			file := configFile(t, "127.0.0.1:0", row.admin, "http://127.0.0.1:1")
			code := run(t.Context(), append([]string{"healthcheck", "--config", file}, row.flags...), noEnv, stdout, stderr)
			if code != row.code || stdout.String() != row.stdout || !strings.HasPrefix(stderr.String(), row.stderr) || (row.stderr == "") != (stderr.String() == "") {
				t.Errorf("exit %d\nstdout: %s\nstderr: %s", code, stdout, stderr)
			}
		})
	}
}

func TestHealthcheckFindsTheAdminListener(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	gatewaysAdmin(t, "unix", socket)
	stdout := newOutput()
	if err := (terminal{out: stdout}).askHealth(t.Context(), "unix:"+socket, "/healthz"); err != nil || stdout.String() != "ok\n" {
		t.Errorf("a unix socket: %v, %q", err, stdout)
	}
	if err := (terminal{out: stdout}).askHealth(t.Context(), "systemd:admin", "/healthz"); err != server.ErrSystemdAddress {
		t.Errorf("a socket of systemd: %v", err)
	}
	if _, address, err := server.DialAddress("[::]:9090"); address != "[::1]:9090" || err != nil {
		t.Errorf("[::] is reached at %q, %v", address, err)
	}
}
