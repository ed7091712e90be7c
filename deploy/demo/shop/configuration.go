package shop

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// constant is one define() in wp-config.php.
type constant struct {
	Name  string
	Value any
}

// writeConfiguration writes what the programs read at their start.
func (s *Shop) writeConfiguration(context.Context) error {
	values := map[string]any{"Dir": s.Dir, "User": s.place.User, "Port": s.config.Port}
	for _, name := range []string{"my.cnf", "init.sql", "php.ini", "opcache-blacklist", "php-fpm.conf", "nginx.conf"} {
		content, err := render(name, values)
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := s.place.write("etc/"+name, content); err != nil {
			return err
		}
	}
	return s.place.write("log/php.log", nil)
}

// writeSite brings our own files in WordPress's directory up to date.
func (s *Shop) writeSite(context.Context) error {
	if err := s.place.remove("site/wp-content/plugins/cocart-standin", "site/wp-content/mu-plugins"); err != nil {
		return err
	}
	if err := s.place.makeTheirs("site/wp-content/mu-plugins"); err != nil {
		return err
	}
	if err := s.place.writeTree(standIn, "cocart-standin", "site/wp-content/plugins/cocart-standin"); err != nil {
		return err
	}
	for _, folder := range slices.Sorted(maps.Keys(s.config.Pages)) {
		if err := s.place.remove("site/" + folder); err != nil {
			return err
		}
		if err := s.place.writeTree(s.config.Pages[folder], ".", "site/"+folder); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeKnobs()
}

// writeKnobs writes what may change while the shop runs. The caller holds mu.
func (s *Shop) writeKnobs() error {
	salts, err := s.salts()
	if err != nil {
		return err
	}
	content, err := render("wp-config.php", map[string]any{
		"Dir": s.Dir, "User": s.place.User, "SiteURL": s.siteURL(), "Environment": s.config.Environment,
		"Salts": salts, "Constants": s.constants(), "Network": s.isNetwork(),
	})
	if err != nil {
		return fmt.Errorf("writing wp-config.php: %w", err)
	}
	if err := s.place.write("site/wp-config.php", content); err != nil {
		return err
	}
	return s.mustUse("cocart-gateway.php", s.config.Plugin)
}

// constants are sorted, and come last: Constants may replace what the other fields say.
func (s *Shop) constants() []constant {
	c := s.config
	all := map[string]any{"COCART_STANDIN_VERSION": c.CoCart, "COCART_GATEWAY_REQUIRED": c.Required}
	if c.Secret != "" {
		all["COCART_GATEWAY_SECRET"] = c.Secret
	}
	maps.Copy(all, s.networkConstants())
	maps.Copy(all, c.Constants)
	var list []constant
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, constant{name, all[name]})
	}
	return list
}

// MustUse puts a further must-use plugin into the running shop, such as one that interferes with
// ours; nil removes it. They do not survive the next start.
func (s *Shop) MustUse(name string, php []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mustUse(name, php)
}

func (s *Shop) mustUse(name string, php []byte) error {
	if strings.ContainsAny(name, "/\\") || !strings.HasSuffix(name, ".php") {
		return fmt.Errorf("must-use plugin %q: the name is a file name that ends in .php", name)
	}
	if php == nil {
		return s.place.remove("site/wp-content/mu-plugins/" + name)
	}
	return s.place.write("site/wp-content/mu-plugins/"+name, php)
}

// DropIn puts a file beside WordPress's own that WordPress looks for there, such as object-cache.php;
// nil removes it.
func (s *Shop) DropIn(name string, php []byte) error {
	if strings.ContainsAny(name, "/\\") || !strings.HasSuffix(name, ".php") {
		return fmt.Errorf("drop-in %q: the name is a file name that ends in .php", name)
	}
	if php == nil {
		return s.place.remove("site/wp-content/" + name)
	}
	return s.place.write("site/wp-content/"+name, php)
}

// salts are made once per shop: fingerprints and cookies stay good over a restart.
func (s *Shop) salts() (map[string]string, error) {
	salts := map[string]string{}
	text, err := s.place.root.ReadFile("salts.json")
	if err == nil {
		return salts, json.Unmarshal(text, &salts)
	}
	for _, name := range []string{"AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"} {
		salts[name+"_KEY"], salts[name+"_SALT"] = random(), random()
	}
	text, err = json.Marshal(salts)
	if err != nil {
		return nil, err
	}
	return salts, s.place.root.WriteFile("salts.json", text, 0o600)
}

func random() string {
	var bytes [32]byte
	rand.Read(bytes[:])
	return hex.EncodeToString(bytes[:])
}
