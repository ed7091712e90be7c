package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
)

// passedSockets are those that systemd, or a gateway that hands over to this one, opened and passed to this process
// (sd_listen_fds(3)). The kernel keeps their queue while no gateway runs, so that a restart refuses no connection.
type passedSockets struct {
	names   []string // in the order passed; a name may be there several times
	byName  map[string][]net.Listener
	claimed map[string]bool // names that an address asks for
}

// systemdSockets takes the sockets out of the environment: a second call, and processes started from here, find none.
func systemdSockets() (*passedSockets, error) {
	p := &passedSockets{byName: map[string][]net.Listener{}, claimed: map[string]bool{}}
	for _, f := range activation.Files(true) {
		l, err := net.FileListener(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("taking the socket %s from systemd: %w", f.Name(), err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // the file is systemd's
		}
		if !slices.Contains(p.names, f.Name()) {
			p.names = append(p.names, f.Name())
		}
		p.byName[f.Name()] = append(p.byName[f.Name()], l)
	}
	return p, nil
}

// claim notes the names that addresses ask for, before any of them is opened.
func (p *passedSockets) claim(all []Listener) {
	for _, l := range all {
		if name, ok := strings.CutPrefix(l.Address, SystemdNamed); ok {
			p.claimed[name] = true
		}
	}
}

// take gives the sockets of one address: those of that name, or all that no address names.
func (p *passedSockets) take(address string) ([]net.Listener, error) {
	name, named := strings.CutPrefix(address, SystemdNamed)
	var taken []net.Listener
	for _, n := range p.names {
		if named && n == name || !named && !p.claimed[n] {
			taken = append(taken, p.byName[n]...)
			delete(p.byName, n)
		}
	}
	if len(taken) == 0 {
		return nil, fmt.Errorf("%s: systemd passed no such socket (passed: %s); is there a socket unit with this FileDescriptorName=?",
			address, strings.Join(append(p.names, pick(len(p.names) == 0, "none", "")), " "))
	}
	return taken, nil
}

// leftOver names what no address asked for.
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

// close closes what was not taken.
func (p *passedSockets) close() error {
	var err error
	for _, all := range p.byName {
		err = errors.Join(err, closeAll(all))
	}
	return err
}
