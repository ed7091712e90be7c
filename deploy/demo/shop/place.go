package shop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// place is the directory of a shop and the account its programs run as.
type place struct {
	Dir  string
	User string // the account's name, as MariaDB hears it from the kernel
	uid  int
	gid  int
	// root keeps our file operations inside of Dir: the account could put symbolic links into its
	// own directories, and root would follow them anywhere.
	root *os.Root
}

// DefaultDir is where a shop of this name lives by default. It is outside of home
// directories, which www-data may not enter, and survives a reboot, unlike /tmp.
func DefaultDir(name string) string {
	return filepath.Join("/var/tmp", "cocart-gateway-demo-"+strconv.Itoa(os.Getuid()), name)
}

// prepare makes the shop's directories.
func prepare(dir string) (place, error) {
	p, err := placeFor(dir)
	if err != nil {
		return place{}, err
	}
	if err := p.claim(); err != nil {
		return place{}, err
	}
	if p.root, err = os.OpenRoot(dir); err != nil {
		return place{}, err
	}
	if err := errors.Join(p.makeOurs("etc", "log"), p.makeTheirs("run", "run/tmp", "run/opcache")); err != nil {
		return place{}, errors.Join(err, p.root.Close())
	}
	return p, nil
}

func placeFor(dir string) (place, error) {
	if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir || strings.ContainsAny(dir, "\"'\\;{}$*?\n\t ") {
		return place{}, fmt.Errorf("shop directory %q: use an absolute path of plain characters", dir)
	}
	if len(dir) > 80 {
		return place{}, fmt.Errorf("shop directory %s: the path is longer than 80 bytes, and Unix sockets in it would not work", dir)
	}
	account, err := accountFor(os.Getuid())
	if err != nil {
		return place{}, err
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	return place{Dir: dir, User: account.Username, uid: uid, gid: gid}, nil
}

// accountFor: MariaDB and php-fpm refuse to run as root, and WordPress should not.
func accountFor(uid int) (*user.User, error) {
	if uid != 0 {
		return user.LookupId(strconv.Itoa(uid))
	}
	account, err := user.Lookup("www-data")
	if err != nil {
		return nil, fmt.Errorf("as root, the shop runs as www-data: %w", err)
	}
	return account, nil
}

// claim creates the directory and its parents. /var/tmp is writable for every user: a directory that another
// user put there in advance could exchange the programs' files below our hands.
func (p place) claim() error {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return fmt.Errorf("creating the shop directory: %w", err)
	}
	for dir := p.Dir; strings.Contains(dir, "cocart-gateway-demo-"); dir = filepath.Dir(dir) {
		if err := openUp(dir); err != nil {
			return err
		}
	}
	if err := openUp(p.Dir); err != nil {
		return err
	}
	return p.reachable()
}

// openUp lets the shop's programs pass a directory of ours, whatever the umask was.
func openUp(dir string) error {
	if err := ours(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// reachable reports a private directory on the way, into which www-data may not look.
func (p place) reachable() error {
	if os.Getuid() != 0 {
		return nil
	}
	for dir := p.Dir; dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("shop directory %s: %s may not pass %s; choose another, or chmod o+x", p.Dir, p.User, dir)
		}
	}
	return nil
}

func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("shop directory %s: is not a directory", dir)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != os.Getuid() {
		return fmt.Errorf("shop directory %s: belongs to user %d, not to user %d who starts the shop; choose another", dir, owner, os.Getuid())
	}
	return nil
}

func (p place) path(name string) string { return filepath.Join(p.Dir, name) }

// makeOurs makes directories in which the shop's programs only read, or write to files that are there.
func (p place) makeOurs(names ...string) error {
	for _, name := range names {
		if err := p.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		// Whatever the umask, and who had it before.
		if err := errors.Join(p.root.Lchown(name, os.Getuid(), os.Getgid()), p.root.Chmod(name, 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// makeTheirs makes directories that belong to the shop's programs.
func (p place) makeTheirs(names ...string) error {
	for _, name := range names {
		if err := p.root.Mkdir(name, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := p.give(name); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file in one step, so that a program never reads half of it.
func (p place) write(name string, content []byte) error {
	next := name + ".next"
	if err := p.root.WriteFile(next, content, 0o640); err != nil {
		return err
	}
	if err := p.give(next); err != nil {
		return err
	}
	return p.root.Rename(next, name)
}

func (p place) give(name string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return p.root.Lchown(name, p.uid, p.gid)
}

// remove takes whole trees away.
func (p place) remove(names ...string) error {
	for _, name := range names {
		if err := p.root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

func (p place) exists(name string) bool {
	_, err := p.root.Lstat(name)
	return err == nil
}
