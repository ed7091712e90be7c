package shop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"cocart-gateway/deploy/demo/child"
)

// Debian's paths: a customer's PATH often lacks /usr/sbin.
const (
	nginx     = "/usr/sbin/nginx"
	mariadbd  = "/usr/sbin/mariadbd"
	installDB = "/usr/bin/mariadb-install-db"
	php       = "/usr/bin/php"
	wordPress = "/usr/share/wordpress"
)

// phpFPM is the newest php-fpm of the machine: Debian names them after their version.
func phpFPM() string {
	programs, _ := filepath.Glob("/usr/sbin/php-fpm[0-9]*")
	slices.Sort(programs)
	return append([]string{"/usr/sbin/php-fpm"}, programs...)[len(programs)]
}

// requirePrograms names everything that is missing at once.
func requirePrograms(wordPress string) error {
	var missing []string
	for _, file := range []string{nginx, mariadbd, installDB, php, phpFPM(), wordPress + "/wp-settings.php"} {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, file)
		}
	}
	if missing == nil {
		return nil
	}
	return errors.New("a demo shop needs " + strings.Join(missing, ", ") + "; deploy/demo/install.sh shop (wordpress-next for a newer WordPress) installs them")
}

// spawn starts a program of the shop. Its output goes to Dir/log/NAME.log.
func (s *Shop) spawn(name string, args ...string) (*child.Process, error) {
	program := s.program(args...)
	program.Name, program.Log = name, s.place.path("log/"+name+".log")
	// The program opens its log once more by itself, and may not create it.
	if err := s.place.write("log/"+name+".log", nil); err != nil {
		return nil, err
	}
	if s.config.Log != io.Discard {
		program.Copy = s.config.Log
	}
	program.Keep = []*os.File{s.lock.programs}
	return child.Start(program, s.died)
}

func (s *Shop) program(args ...string) child.Program {
	program := child.Program{Args: args, Dir: s.Dir}
	program.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + s.Dir, "LC_ALL=C.UTF-8", "TZ=UTC", "TMPDIR=" + s.place.path("run/tmp")}
	if os.Getuid() == 0 {
		program.Account = &syscall.Credential{Uid: uint32(s.place.uid), Gid: uint32(s.place.gid)}
	}
	return program
}

// command is a program that does its work and ends.
func (s *Shop) command(ctx context.Context, args ...string) *exec.Cmd {
	return child.Command(ctx, s.program(args...))
}

// work runs such a program, and returns what it wrote if it fails.
func (s *Shop) work(ctx context.Context, what string, args ...string) error {
	if output, err := s.command(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", what, err, child.Tail(output))
	}
	return nil
}
