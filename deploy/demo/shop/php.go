package shop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"cocart-gateway/deploy/demo/child"
)

// bootstrap loads WordPress on the command line and runs the code from standard input in it.
// The code is read before: wp-load.php must not be able to swallow it. user.php has what WordPress
// loads in wp-admin only, such as wp_delete_user.
const bootstrap = `$code = stream_get_contents( STDIN );
$_SERVER['HTTP_HOST'] = $argv[2]; $_SERVER['REQUEST_METHOD'] = 'GET';
define( 'WP_DISABLE_FATAL_ERROR_HANDLER', true );
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/user.php';
eval( $code );
echo 'done';`

// PHP runs code (without "<?php") in the shop's WordPress, plugins loaded, and returns what it
// printed. What it changes is seen by the next request. An exception, a fatal error, wp_die or
// exit is an error that holds what PHP said.
func (s *Shop) PHP(ctx context.Context, code string) (string, error) {
	s.mu.Lock()
	host := s.siteHost()
	s.mu.Unlock()
	return s.runPHP(ctx, code, "-r", bootstrap, "--", s.place.path("site"), host)
}

func (s *Shop) runPHP(ctx context.Context, input string, args ...string) (string, error) {
	cmd := s.command(ctx, append([]string{php, "-c", s.place.path("etc/php.ini"), "-d", "display_errors=stderr", "-d", "log_errors=off", "-d", "opcache.enable_cli=1", "-d", "opcache.file_cache_only=1"}, args...)...)
	var output, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &output, &complaints
	err := cmd.Run()
	printed, finished := strings.CutSuffix(output.String(), "done")
	if err == nil && !finished {
		err = errors.New("it ended early") // WordPress dies with exit code 0
	}
	if err != nil {
		return printed, fmt.Errorf("running PHP: %w\n%s%s", err, child.Tail(complaints.Bytes()), child.Tail(output.Bytes()))
	}
	return printed, nil
}
