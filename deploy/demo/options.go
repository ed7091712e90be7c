package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// options come from flags (paths) and from the environment (what "make run" gets).
type options struct {
	gateway, plugin, dir string
	port, adminPort      int
	upstream             string // an existing shop; empty for our own
	app                  string // the origin of a browser app under development; empty for none
}

// parseOptions says itself what is wrong, on stderr.
func parseOptions(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.gateway, "gateway", "bin/cocart-gateway", "`path` of the built gateway")
	flags.StringVar(&o.plugin, "plugin", "deploy/wordpress/cocart-gateway.php", "`path` of the must-use plugin")
	flags.StringVar(&o.dir, "dir", fmt.Sprintf("/var/tmp/cocart-gateway-demo-%d", os.Getuid()), "`directory` that keeps shop, secrets and logs")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	err := errors.Join(o.readEnvironment(getenv), noArguments(flags))
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return o, err
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), `usage: demo [flags]
A shop with the gateway in front of it, on this machine, until Ctrl-C.

Environment:
  PORT        where the gateway listens, 8080 if not set
  ADMIN_PORT  where its metrics are, 9090 if not set
  UPSTREAM    URL of an existing shop to put the gateway in front of
  APP         origin of your browser app, such as http://127.0.0.1:5173: its pages may use the session cookie

Flags:`)
	flags.PrintDefaults()
}

func noArguments(flags *flag.FlagSet) error {
	if flags.NArg() == 0 {
		return nil
	}
	return fmt.Errorf("%q is not understood: there are flags and environment variables only (-help lists them)", flags.Arg(0))
}

func (o *options) readEnvironment(getenv func(string) string) error {
	var first, second, third error
	o.port, first = portFrom(getenv, "PORT", 8080)
	o.adminPort, second = portFrom(getenv, "ADMIN_PORT", 9090)
	o.upstream = strings.TrimRight(getenv("UPSTREAM"), "/")
	if site, err := url.Parse(o.upstream); o.upstream != "" && (err != nil || site.Host == "" || site.Scheme != "http" && site.Scheme != "https") {
		third = fmt.Errorf("UPSTREAM=%s: write a whole URL, such as http://127.0.0.1:8000", o.upstream)
	}
	return errors.Join(first, second, third, o.readApp(strings.TrimRight(getenv("APP"), "/")))
}

// readApp takes the origin of an app. Browsers send the session cookie to 127.0.0.1 from pages of 127.0.0.1 only, on any port:
// localhost is another site to them.
func (o *options) readApp(app string) error {
	origin, err := url.Parse(app)
	switch {
	case app == "":
		return nil
	case err != nil || origin.Host == "" || app != "http://"+origin.Host && app != "https://"+origin.Host:
		return fmt.Errorf("APP=%s: write scheme, host and port, such as http://127.0.0.1:5173", app)
	case origin.Scheme != "http" || origin.Hostname() != "127.0.0.1":
		return fmt.Errorf("APP=%s: open your app as http://127.0.0.1:%s; browsers take other hosts, localhost among them, for another site than "+
			"the shop on http://127.0.0.1, and do not send it the session cookie", app, cmp.Or(origin.Port(), "80"))
	}
	o.app = app
	return nil
}

func portFrom(getenv func(string) string, name string, otherwise int) (int, error) {
	text := getenv(name)
	if text == "" {
		return otherwise, nil
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("%s=%s: write a port number, 1 to 65535", name, text)
	}
	return port, nil
}

// check finds what would fail later with an unclear message.
func (o *options) check() error {
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	if o.gateway, err = filepath.Abs(o.gateway); err != nil {
		return err
	}
	if info, statErr := os.Stat(o.gateway); statErr != nil || info.IsDir() {
		err = fmt.Errorf("there is no gateway at %s: build it with go build -o %s ./cmd/cocart-gateway, or run make run", o.gateway, o.gateway)
	}
	return errors.Join(err, portFree("PORT", o.port), portFree("ADMIN_PORT", o.adminPort))
}

func portFree(name string, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("port %d is in use: choose another with make run %s=%d", port, name, port+1)
	}
	return listener.Close()
}

// address is where clients reach the gateway.
func (o options) address() string { return fmt.Sprintf("http://127.0.0.1:%d", o.port) }

// adminTokenFile has the token of the console and of the administration API.
func (o options) adminTokenFile() string { return filepath.Join(o.dir, "gateway", "admin.token") }

func (o options) adminAddress() string { return fmt.Sprintf("http://127.0.0.1:%d", o.adminPort) }
