package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// listenUnix binds a unix socket. The file that a killed process left behind is removed first; one behind which
// somebody still listens is not, nor is anything that is no socket.
func listenUnix(ctx context.Context, path string, mode fs.FileMode, owner string) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	// Whoever connects in between is one that the folder lets in.
	if err := errors.Join(os.Chmod(path, mode), give(path, owner)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket; it is not removed", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("%s: another process listens there: %w", path, syscall.EADDRINUSE), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s is there, and whether it is in use is not known: %w", path, err)
	}
	return os.Remove(path)
}

// give changes the owner of a file; "user:group", either of them empty.
func give(path, owner string) error {
	if owner == "" {
		return nil
	}
	name, groupName, _ := strings.Cut(owner, ":")
	uid, gid := -1, -1
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return fmt.Errorf("server.socket_owner: %w", err)
		}
		uid, _ = strconv.Atoi(u.Uid) // a number wherever there are unix sockets with owners
	}
	if groupName != "" {
		g, err := user.LookupGroup(groupName)
		if err != nil {
			return fmt.Errorf("server.socket_owner: %w", err)
		}
		gid, _ = strconv.Atoi(g.Gid)
	}
	return os.Chown(path, uid, gid)
}
