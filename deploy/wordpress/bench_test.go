package wordpress_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"testing"
)

// cost is what one request of a customer took, in microseconds, as
// testdata/bench.php tells it.
type cost struct {
	Include float64 // the file, with the assertion verified
	Total   float64 // until the answer is done, with what the imitated WordPress takes
	Cached  bool    // whether PHP had the file compiled
	Users   []int   // who WordPress was told that asks
}

var listening = regexp.MustCompile(`\((http://127\.0\.0\.1:\d+)\) started`)

// startPHP serves testdata/bench.php until the test ends and gives the address. All
// requests are served by one process, as those of a worker of php-fpm are.
func startPHP(t testing.TB, opcache string) string {
	t.Helper()
	binary, err := exec.LookPath("php")
	if err != nil {
		t.Fatal("PHP is missing: deploy/demo/install.sh php")
	}
	cmd := exec.CommandContext(t.Context(), binary, "-d", "opcache.enable="+opcache, "-d", "opcache.file_update_protection=0",
		"-d", "display_errors=1", "-S", "127.0.0.1:0", "testdata/bench.php")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(said)
	address := ""
	for address == "" && lines.Scan() {
		if found := listening.FindSubmatch(lines.Bytes()); found != nil {
			address = string(found[1])
		}
	}
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, said)
	}()
	if address == "" {
		t.Fatal("php -S does not listen")
	}
	return address
}

// ask has one request served. The first one of a PHP finds nothing compiled.
func ask(t testing.TB, address string) cost {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var c cost
	if err := json.Unmarshal(body, &c); err != nil || !slices.Equal(c.Users, []int{2, 2, 2}) {
		t.Fatalf("%d %s: %v", response.StatusCode, body, err)
	}
	return c
}

// What the benchmark measures is a customer's request that was answered, with the
// plugin compiled before.
func TestTheMeasuredRequestIsACustomers(t *testing.T) {
	address := startPHP(t, "1")
	ask(t, address)
	c := ask(t, address)
	if !c.Cached {
		t.Fatal("PHP keeps no compiled files: apt-get install --no-install-recommends php-opcache")
	}
	if c.Include <= 0 || c.Total <= c.Include {
		t.Errorf("%+v", c)
	}
}

// BenchmarkPlugin tells the medians, because a busy machine makes some requests
// look long.
func BenchmarkPlugin(b *testing.B) {
	for _, opcache := range []struct{ name, set string }{{"opcache", "1"}, {"no opcache", "0"}} {
		b.Run(opcache.name, func(b *testing.B) {
			address := startPHP(b, opcache.set)
			ask(b, address)
			var include, total []float64
			for b.Loop() {
				c := ask(b, address)
				include, total = append(include, c.Include), append(total, c.Total)
			}
			b.ReportMetric(median(include), "include-µs")
			b.ReportMetric(median(total), "request-µs")
		})
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
