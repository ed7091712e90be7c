package shop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// layout changes whenever what is on disk can no longer be used by this code.
const layout = "1"

// stampFile is written last; a directory without it, or with another one, is made anew.
const stampFile = "stamp"

// stamp names what an installed shop depends on: our layout, WordPress's version, the script
// that installs it and the tables of the stand-in.
func (c Config) stamp() (string, error) {
	version, err := os.ReadFile(c.WordPress + "/wp-includes/version.php")
	if err != nil {
		return "", fmt.Errorf("reading WordPress's version: %w", err)
	}
	install, err := templates.ReadFile("etc/install.php")
	if err != nil {
		return "", err
	}
	tables, err := standIn.ReadFile("cocart-standin/includes/carts.php")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(bytes.Join([][]byte{fmt.Appendf(nil, "%s %t", layout, c.Network), version, install, tables}, []byte{0}))
	return hex.EncodeToString(sum[:]), nil
}

// discardOutdated removes a shop that is unfinished or of another version.
func (s *Shop) discardOutdated(context.Context) error {
	wanted, err := s.config.stamp()
	if err != nil {
		return err
	}
	if found, err := s.place.root.ReadFile(stampFile); err == nil && string(found) == wanted {
		return nil
	}
	return s.place.remove(stampFile, networkFile, "db", "site", "admin-password")
}

func (s *Shop) installed() bool { return s.place.exists(stampFile) }

// copyWordPress copies the package, whose files belong to root and link to other packages.
func (s *Shop) copyWordPress(ctx context.Context) error {
	if s.installed() {
		return nil
	}
	s.config.Progress("copying WordPress")
	if err := s.place.remove("site"); err != nil {
		return err
	}
	if err := s.place.makeTheirs("site"); err != nil {
		return err
	}
	if err := s.work(ctx, "copying WordPress", "/bin/cp", "-rL", "--", s.config.WordPress+"/.", s.place.path("site")); err != nil {
		return err
	}
	return s.place.remove("site/.htaccess")
}

// installWordPress creates tables and accounts.
func (s *Shop) installWordPress(ctx context.Context) error {
	if s.installed() {
		return nil
	}
	s.config.Progress("installing WordPress")
	password := random()
	if err := s.place.root.WriteFile("admin-password", []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	script, err := templates.ReadFile("etc/install.php")
	if err != nil {
		return err
	}
	if err := s.place.write("etc/install.php", script); err != nil {
		return err
	}
	if _, err := s.runPHP(ctx, password, s.place.path("etc/install.php"), s.place.path("site")); err != nil {
		return fmt.Errorf("installing WordPress: %w", err)
	}
	if err := s.makeNetwork(ctx); err != nil {
		return err
	}
	wanted, err := s.config.stamp()
	if err != nil {
		return err
	}
	return s.place.write(stampFile, []byte(wanted))
}

// settleAccounts makes sure that the documented passwords work, and forgets the past if asked to.
func (s *Shop) settleAccounts(ctx context.Context) error {
	if s.config.Fresh {
		return s.Reset(ctx)
	}
	return s.settle(ctx, false)
}

// Reset brings a running shop back to its first day: the documented accounts, no carts, no transients.
func (s *Shop) Reset(ctx context.Context) error { return s.settle(ctx, true) }

func (s *Shop) settle(ctx context.Context, fresh bool) error {
	script, err := templates.ReadFile("etc/accounts.php")
	if err != nil {
		return err
	}
	code := fmt.Sprintf("$fresh = %t;\n%s", fresh, bytes.TrimPrefix(script, []byte("<?php")))
	if _, err := s.PHP(ctx, code); err != nil {
		return fmt.Errorf("settling the accounts: %w", err)
	}
	return nil
}

// AdminPassword is the password of the account admin, made up when the shop was installed.
func (s *Shop) AdminPassword() (string, error) {
	text, err := os.ReadFile(s.place.path("admin-password"))
	return strings.TrimSpace(string(text)), err
}
