package shop_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// crashDir makes this test binary a process that starts a shop there and waits to be killed.
const crashDir = "COCART_DEMO_CRASH_DIR"

func startAndHang() {
	s, err := shop.Start(context.Background(), shop.Config{Dir: os.Getenv(crashDir)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.URL)
	select {}
}

// otherDir is a shop directory for tests that start a shop of their own. It is kept, because
// installing WordPress is what takes long.
func otherDir() string { return shop.DefaultDir("shop-test-other") }

func start(t *testing.T, config shop.Config) *shop.Shop {
	t.Helper()
	s, err := shop.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestAShopWhoseStarterWasKilledStartsAgain(t *testing.T) {
	starter := exec.Command(os.Args[0])
	starter.Env = append(os.Environ(), crashDir+"="+otherDir())
	output, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || !strings.HasPrefix(address, "http://") {
		t.Fatalf("the other process says %q, %v", address, err)
	}
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = starter.Wait()
	s := start(t, shop.Config{Dir: otherDir()})
	if got, err := s.PHP(context.Background(), `echo get_userdata( 2 )->user_login;`); got != "alice" || err != nil {
		t.Errorf("after the crash: %q, %v", got, err)
	}
	if conn, err := net.Dial("tcp", strings.TrimSpace(strings.TrimPrefix(address, "http://"))); err == nil {
		conn.Close()
		t.Error("the killed process's web server still listens")
	}
}

func TestTheDeathOfAProgramIsTold(t *testing.T) {
	s := start(t, shop.Config{Dir: otherDir()})
	text, err := os.ReadFile(filepath.Join(s.Dir, "run", "nginx.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Died(); !strings.HasPrefix(err.Error(), "nginx ended (by itself)") {
		t.Errorf("the shop says: %v", err)
	}
}

func TestNothingRunsAsRoot(t *testing.T) {
	s := start(t, shop.Config{Dir: otherDir()})
	programs := 0
	for pid, dir := range workingDirectories(t) {
		if dir != s.Dir {
			continue
		}
		programs++
		if info, err := os.Stat("/proc/" + pid); err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
			t.Errorf("process %s of the shop runs as root", pid)
		}
	}
	if programs < 3 {
		t.Errorf("found %d programs of the shop, want MariaDB, php-fpm and nginx at least", programs)
	}
}

func workingDirectories(t *testing.T) map[string]string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, link := range links {
		dir, _ := os.Readlink(link)
		pid := strings.Split(link, "/")[2]
		if args, _ := os.ReadFile("/proc/" + pid + "/cmdline"); strings.Contains(string(args), "mariadbd") {
			dir = strings.TrimSuffix(dir, "/db") // where MariaDB goes by itself
		}
		found[pid] = dir
	}
	return found
}
