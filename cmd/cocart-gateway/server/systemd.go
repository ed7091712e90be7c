package server

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// passedSockets has the sockets that systemd opened and passed to this process (sd_listen_fds(3)). The kernel keeps their
// queues while no gateway runs, so that a restart refuses no connection.
type passedSockets struct {
	names   []string // in the order passed; a name may be there several times
	byName  map[string][]net.Listener
	claimed map[string]bool // names that an address asks for
}

// systemdSockets takes the sockets out of the environment: a second call finds none, nor does a child process.
func systemdSockets() (*passedSockets, error) {
	p := &passedSockets{byName: map[string][]net.Listener{}, claimed: map[string]bool{}}
	for _, f := range activation.Files(true) {
		l, err := net.FileListener(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("taking the socket %s from systemd: %w", f.Name(), err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // the file belongs to systemd
		}
		if !slices.Contains(p.names, f.Name()) {
			p.names = append(p.names, f.Name())
		}
		p.byName[f.Name()] = append(p.byName[f.Name()], l)
	}
	return p, nil
}

// claim records the names that addresses ask for, before the first of them is opened.
func (p *passedSockets) claim(all []config.Listener) {
	for _, l := range all {
		if name, ok := strings.CutPrefix(l.Address, config.SystemdNamed); ok {
			p.claimed[name] = true
		}
	}
}

// take returns the sockets of one address: those of that name, or all that no address names.
func (p *passedSockets) take(address string) ([]net.Listener, error) {
	name, named := strings.CutPrefix(address, config.SystemdNamed)
	var taken []net.Listener
	for _, n := range p.names {
		if named && n == name || !named && !p.claimed[n] {
			taken = append(taken, p.byName[n]...)
			delete(p.byName, n)
		}
	}
	if len(taken) == 0 {
		return nil, fmt.Errorf("%s: systemd passed no such socket (passed: %s); is there a socket unit with this FileDescriptorName=?",
			address, cmp.Or(strings.Join(p.names, " "), "none"))
	}
	return taken, nil
}

// leftOver returns an error for sockets that no address asked for.
func (p *passedSockets) leftOver() error {
	var names []string
	for _, n := range p.names {
		if p.byName[n] != nil {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("systemd passed the socket %s, which no address in the configuration asks for; write systemd:%s there, or disable its socket unit",
		strings.Join(names, " "), names[0])
}

// close closes the sockets that were not taken.
func (p *passedSockets) close() error {
	var err error
	for _, all := range p.byName {
		err = errors.Join(err, closeAll(all))
	}
	return err
}
