package wordpress_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"cocart-gateway/deploy/wordpress"
)

// php runs PHP's command line and returns what it printed, even if it exited
// with 1.
func php(t *testing.T, args ...string) []byte {
	t.Helper()
	binary, err := exec.LookPath("php")
	if err != nil {
		t.Fatal("PHP is missing: apt-get install --no-install-recommends php-cli")
	}
	out, err := exec.CommandContext(t.Context(), binary, args...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("php %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestThePluginInPHP(t *testing.T) {
	verdicts(t, php(t, "plugin_test.php"))
}

// verdicts makes a test of each line that plugin_test.php prints.
func verdicts(t *testing.T, printed []byte) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(printed), []byte("\n"))
	for _, line := range lines {
		verdict, rest, _ := strings.Cut(string(line), " ")
		name, why, _ := strings.Cut(rest, " -- ")
		t.Run(name, func(t *testing.T) {
			if verdict != "ok" {
				t.Errorf("%s: %s", verdict, why)
			}
		})
	}
	if want := testsDeclared(t); len(lines) < want {
		t.Errorf("%d tests ran, but there are at least %d", len(lines), want)
	}
}

// testsDeclared counts the calls of test() in the cases; loops make more of
// them, so it is a lower bound.
func testsDeclared(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_cases.php") {
			continue
		}
		cases, err := os.ReadFile("testdata/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		declared += len(regexp.MustCompile(`(?m)^\s*test\(`).FindAll(cases, -1))
	}
	return declared
}

func TestVectorsAreWhatTheGeneratorWrites(t *testing.T) {
	for _, name := range []string{"assertions", "capabilities", "names", "replies"} {
		committed, err := os.ReadFile("testdata/vectors/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(php(t, "testdata/generate.php", name), committed) {
			t.Errorf("run: php testdata/generate.php %s > testdata/vectors/%[1]s.json", name)
		}
	}
}

func TestOneVersionEverywhere(t *testing.T) {
	plugin, err := os.ReadFile("cocart-gateway.php")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(wordpress.Plugin, plugin) {
		t.Error("the embedded plugin is not cocart-gateway.php")
	}
	for what, pattern := range map[string]string{
		"the head":     `(?m)^ \* Version: +(\S+)$`,
		"the constant": `(?m)^define\( __NAMESPACE__ \. '\\VERSION', '(.+)' \);$`,
	} {
		found := regexp.MustCompile(pattern).FindSubmatch(wordpress.Plugin)
		if found == nil || string(found[1]) != wordpress.PluginVersion {
			t.Errorf("%s of the plugin says version %q, want %q", what, found, wordpress.PluginVersion)
		}
	}
}

// withoutLog is as much of WordPress as a request with a bad assertion needs.
const withoutLog = `define( 'ABSPATH', __DIR__ );
	define( 'COCART_GATEWAY_SECRET', str_repeat( 's', 32 ) );
	function add_filter() {}
	function add_action() {}
	function did_action() { return 0; }
	function get_option() { return 'https://shop.example'; }
	function wp_load_alloptions() { return array( 'home' => 'https://shop.example' ); }
	$_SERVER['HTTP_X_COCART_GATEWAY'] = 'garbage';
	require 'cocart-gateway.php';
	echo 'goes on';`

// Some hosts switch error_log() off, and PHP 8 dies of calling it.
func TestAHostWithoutErrorLog(t *testing.T) {
	if got := php(t, "-d", "display_errors=1", "-d", "disable_functions=error_log", "-r", withoutLog); string(got) != "goes on" {
		t.Errorf("got %s", got)
	}
}
