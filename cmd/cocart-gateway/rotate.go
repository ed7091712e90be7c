package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/tokens/keys"
)

func keysRotateCommand(t terminal) *cobra.Command {
	var of shopOf
	var k newKey
	c := &cobra.Command{
		Use:   "rotate [--algorithm ALGORITHM] [--id ID] [--out FILE]",
		Short: "Make a key, let it sign, and retire the one that signed until now",
		Long: "Makes a key, puts it in front of tokens.keys in the configuration file, and gives the key that signed until now a\n" +
			"retire_at after the last token that it signed. Comments and the rest of the file stay as they are. If the new file\n" +
			"would have a mistake, nothing is changed.\n\n" +
			"It is for one gateway. Where several share their sessions, a gateway without the new key would refuse its tokens:\n" +
			"add the key at the end of tokens.keys of each one first (keys generate), then move it to the front.",
		Example: "  cocart-gateway keys rotate\n" +
			"  cocart-gateway keys rotate --algorithm ES256 --id 2027-01 --out /etc/cocart-gateway/2027-01.pem",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return t.rotateKey(of, k) },
	}
	c.Flags().StringVar(&k.algorithm, "algorithm", "", "what the key is for (default: that of the key that signs now)")
	c.Flags().StringVar(&k.id, "id", "", "its name in tokens, the kid (default: today, as in 2026-11-23)")
	c.Flags().StringVar(&k.out, "out", "", "a new file for the private key or secret (default: beside the configuration)")
	alsoNeeds(c, func([]string) error {
		if k.algorithm == "" {
			return newKey{"EdDSA", k.id, k.out}.complaint()
		}
		return k.complaint()
	})
	return t.takesShop(c, &of)
}

// rotation is a new key and the file that it goes into.
type rotation struct {
	newKey
	shop    string      // "": the only one
	path    string      // of the configuration, links resolved
	old     []byte      // its contents
	info    fs.FileInfo // its owner and permissions
	retire  string      // id of the key that signed until now
	at      time.Time   // its retire_at
	keyFile string
}

func (t terminal) rotateKey(of shopOf, k newKey) error {
	cfg, err := t.loadShop(of)
	if err != nil {
		return err
	}
	r, err := t.planRotation(of, cfg, k)
	if err != nil {
		return err
	}
	if err := r.writeKeyFile(); err != nil {
		return err
	}
	if err := r.replaceConfig(t, cfg); err != nil {
		return errors.Join(err, os.Remove(r.keyFile))
	}
	_, err = fmt.Fprintf(t.out, "Key %s (%s) signs from now on; it is in %s.\nKey %s verifies until %s.\n%s\n", r.id, r.algorithm, r.keyFile, r.retire,
		t.since(r.at), pick(cfg.Reload == config.ReloadWatch, "A running gateway reads the file within seconds.", "Reload the running gateway: systemctl reload cocart-gateway"))
	return err
}

func (t terminal) planRotation(of shopOf, cfg *config.Config, k newKey) (*rotation, error) {
	if of.path == "" {
		return nil, errors.New("keys rotate changes a configuration file, and the configuration is in the environment")
	}
	whole, err := filepath.EvalSymlinks(of.path)
	if err != nil {
		return nil, fmt.Errorf("finding the configuration: %w", err)
	}
	if whole, err = filepath.Abs(whole); err != nil {
		return nil, fmt.Errorf("finding the configuration: %w", err)
	}
	info, err := os.Stat(whole)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	text, err := schema.ReadRegular(whole, schema.MaxConfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	signer := cfg.Tokens.Keys[0]
	// Tokens are valid for access_ttl and the leeway after it; five minutes are for gateways that notice the change late.
	at := t.now().Add(cfg.Tokens.AccessTTL + cfg.Tokens.Leeway + 5*time.Minute).UTC().Truncate(time.Minute).Add(time.Minute)
	r := &rotation{newKey: k, shop: of.shop, path: whole, old: text, info: info, retire: signer.ID, at: at}
	r.algorithm = cmp.Or(k.algorithm, signer.Algorithm)
	r.id = cmp.Or(k.id, unusedID(t.now().UTC().Format("2006-01-02"), cfg.Tokens.Keys))
	r.keyFile = cmp.Or(k.out, filepath.Join(filepath.Dir(whole), "key-"+pick(r.shop == "", "", r.shop+"-")+r.id+".pem"))
	if r.keyFile, err = filepath.Abs(r.keyFile); err != nil {
		return nil, fmt.Errorf("naming the key's file: %w", err)
	}
	return r, nil
}

// unusedID returns day, or with a number behind it if a key has that id.
func unusedID(day string, all []config.SigningKey) string {
	id := day
	for n := 2; slices.ContainsFunc(all, func(k config.SigningKey) bool { return k.ID == id }); n++ {
		id = fmt.Sprintf("%s-%d", day, n)
	}
	return id
}

// writeKeyFile makes the key. The user who may read the file of the key that signed until now, or the configuration if that
// key is in it, may read the new key as well: a key that only root can read would stop the gateway.
func (r *rotation) writeKeyFile() error {
	material, err := keys.Generate(r.algorithm)
	if err != nil {
		return err
	}
	if _, err := writeKey(r.keyFile, material); err != nil {
		return err
	}
	like, mode := r.info, r.info.Mode().Perm()&^0o007
	if signer := r.signerFile(); signer != nil {
		like, mode = signer, signer.Mode().Perm()
	}
	if err := own(r.keyFile, like, mode); err != nil {
		return errors.Join(err, os.Remove(r.keyFile))
	}
	return nil
}

// signerFile describes the file of the key that signed until now; nil if its path is not written out in the file.
func (r *rotation) signerFile() fs.FileInfo {
	list, err := r.list()
	if err != nil {
		return nil
	}
	for _, name := range []string{"private_key_file", "secret_file"} {
		if path := member(list.Content[0], name); path != nil && path.Value != "" {
			whole := path.Value
			if !filepath.IsAbs(whole) {
				whole = filepath.Join(filepath.Dir(r.path), whole)
			}
			if info, err := os.Stat(whole); err == nil && info.Mode().IsRegular() {
				return info
			}
		}
	}
	return nil
}

// own gives file the owner of another one, and permissions.
func own(file string, like fs.FileInfo, mode fs.FileMode) error {
	if user, group, ok := ownerOf(like); ok && os.Geteuid() == 0 {
		if err := os.Chown(file, user, group); err != nil {
			return fmt.Errorf("giving %s the owner of %s: %w", file, like.Name(), err)
		}
	}
	if err := os.Chmod(file, mode); err != nil {
		return fmt.Errorf("giving %s its permissions: %w", file, err)
	}
	return nil
}

// replaceConfig writes the changed file beside the old one, loads it, and puts it in place if it is what was meant.
func (r *rotation) replaceConfig(t terminal, before *config.Config) error {
	text, err := r.edited()
	if err != nil {
		return err
	}
	next, err := r.writeBeside(text)
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	err = own(next, r.info, r.info.Mode().Perm())
	if err == nil {
		err = r.check(t, before, next)
	}
	if err == nil {
		err = os.Rename(next, r.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the configuration is unchanged: %w", err), os.Remove(next))
	}
	return nil
}

// writeBeside writes a file with a name that no other has, in the folder of the configuration: paths in the text are relative
// to it. What it holds survives a loss of power, so that the file that takes the place of the configuration is never empty.
func (r *rotation) writeBeside(text []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(r.path), filepath.Base(r.path)+".new-*") // only its owner can read it
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// check compares the keys of the changed file with what they must be.
func (r *rotation) check(t terminal, before *config.Config, next string) error {
	after, err := t.loadShop(shopOf{next, r.shop})
	if err != nil {
		return err
	}
	var want, got []string
	for i, k := range before.Tokens.Keys {
		if i == 0 {
			k.RetireAt = r.at
		}
		want = append(want, k.ID+" "+k.RetireAt.String())
	}
	want = append([]string{r.id + " " + time.Time{}.String()}, want...)
	for _, k := range after.Tokens.Keys {
		got = append(got, k.ID+" "+k.RetireAt.String())
	}
	if !slices.Equal(got, want) {
		return errors.New("tokens.keys is written in a way that this command cannot change; add the key by hand (keys generate)")
	}
	return nil
}

// edited returns the text of the file with the new key in front and retire_at at the old one. It inserts at positions that
// the YAML parser gives, so that nothing else of the file changes.
func (r *rotation) edited() ([]byte, error) {
	list, err := r.list()
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(r.old), "\n")
	signer := list.Content[0]
	if err := insertRetirement(lines, signer, r.at.Format(time.RFC3339)); err != nil {
		return nil, err
	}
	name := pick(strings.HasPrefix(r.algorithm, "HS"), "secret_file", "private_key_file")
	fields := []string{"id: " + quoted(r.id), "algorithm: " + r.algorithm, name + ": " + quoted(r.keyFile)}
	if list.Style&yaml.FlowStyle != 0 {
		insertAt(lines, list.Line, list.Column+1, "{"+strings.Join(fields, ", ")+"}, ")
	} else { // the list begins at its first dash, wherever the key behind that stands
		dash := strings.Repeat(" ", list.Column-1)
		insertAt(lines, list.Line, 1, dash+"- "+strings.Join(fields, "\n"+dash+"  ")+"\n")
	}
	return []byte(strings.Join(lines, "")), nil
}

// list returns tokens.keys of the file: at least one block.
func (r *rotation) list() (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(r.old, &document); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	list := member(member(r.block(document.Content[0]), "tokens"), "keys")
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) == 0 || list.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("tokens.keys is not in the file, or not a list there; add the key by hand (keys generate)")
	}
	return list, nil
}

// block returns the block that has the key tokens: the whole file, or the item of the shop.
func (r *rotation) block(file *yaml.Node) *yaml.Node {
	if r.shop == "" {
		return file
	}
	if list := member(file, "shops"); list != nil {
		for _, item := range list.Content {
			if name := member(item, "name"); name != nil && name.Value == r.shop {
				return item
			}
		}
	}
	return nil
}

// insertRetirement puts retire_at behind the id of a key in a block, or behind the bracket of one in braces.
func insertRetirement(lines []string, key *yaml.Node, at string) error {
	if key.Style&yaml.FlowStyle != 0 {
		insertAt(lines, key.Line, key.Column+1, "retire_at: "+at+", ")
		return nil
	}
	id := member(key, "id")
	if id == nil || id.Line < key.Line || strings.ContainsAny(id.Value, "\n") {
		return errors.New("the key that signs has no id in one line; add the new key by hand (keys generate)")
	}
	line := id.Line - 1
	if !strings.HasSuffix(lines[line], "\n") {
		lines[line] += "\n"
	}
	lines[line] += strings.Repeat(" ", key.Column-1) + "retire_at: " + at + "\n"
	return nil
}

// insertAt counts lines and characters from 1, as YAML nodes do.
func insertAt(lines []string, line, column int, text string) {
	runes := []rune(lines[line-1])
	lines[line-1] = string(runes[:column-1]) + text + string(runes[column-1:])
}

// quoted writes a value so that no character of it has a meaning in YAML or for the variables of the file.
func quoted(value string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(value, "$", "$$"), "'", "''") + "'"
}

func member(block *yaml.Node, name string) *yaml.Node {
	if block == nil || block.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(block.Content); i += 2 {
		if block.Content[i].Value == name {
			return block.Content[i+1]
		}
	}
	return nil
}
