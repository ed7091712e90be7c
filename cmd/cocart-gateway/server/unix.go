package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// listenUnix binds a unix socket. It removes the file that a killed process left behind first, but no socket on which a
// process listens, and no other file.
func listenUnix(ctx context.Context, path string, mode fs.FileMode, owner string) (net.Listener, error) {
	if stale, err := inspectSocket(ctx, path); err != nil {
		return nil, err
	} else if stale {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	// Until here the folder decides who can connect.
	if err := errors.Join(os.Chmod(path, mode), give(path, owner)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// inspectSocket returns an error if a new socket cannot take the place of what is at path. stale means that a killed
// process left a socket there.
func inspectSocket(ctx context.Context, path string) (stale bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return false, errors.New("the file exists and is not a socket; it is not removed")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return false, errors.Join(fmt.Errorf("%s: another process listens there: %w", path, syscall.EADDRINUSE), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return false, fmt.Errorf("%s exists, and whether it is in use is unknown: %w", path, err)
	}
	return true, nil
}

// availablePath is Available for the path of a unix socket.
func availablePath(ctx context.Context, path string) error {
	if _, err := inspectSocket(ctx, path); err != nil {
		return err
	}
	_, err := os.Stat(filepath.Dir(path))
	return err
}

// give changes the owner of a file to "user:group", of which either part may be empty.
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
		uid, _ = strconv.Atoi(u.Uid) // a number on every system that has unix sockets with owners
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
