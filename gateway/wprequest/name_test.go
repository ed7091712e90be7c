package wprequest_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"cocart-gateway/gateway/wprequest"
)

// nameReader is a PHP process that answers with WordPress's own functions.
type nameReader struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

func startNames(t testing.TB) *nameReader {
	t.Helper()
	cmd := exec.Command("php", "testdata/names.php", "/usr/share/wordpress")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("PHP and WordPress of Debian are needed: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &nameReader{in: in, out: bufio.NewReader(out)}
}

// reading is what WordPress makes of a name.
type reading struct {
	user, text     string
	isEmail, phone bool
}

func (w *nameReader) read(name string) (r reading, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := fmt.Fprintln(w.in, base64.StdEncoding.EncodeToString([]byte(name))); err != nil {
		return r, err
	}
	line, err := w.out.ReadString('\n')
	if err != nil {
		return r, err
	}
	parts := strings.Split(strings.TrimSpace(line), ",")
	if len(parts) != 4 {
		return r, fmt.Errorf("PHP answered %q", line)
	}
	user, err := base64.StdEncoding.DecodeString(parts[0])
	if err != nil {
		return r, err
	}
	text, err := base64.StdEncoding.DecodeString(parts[1])
	return reading{string(user), string(text), parts[2] == "1", parts[3] == "1"}, err
}

// compare holds our reading of a name to WordPress's, and our key of it to that of
// what WordPress makes of it.
func compare(t *testing.T, w *nameReader, name string) {
	t.Helper()
	want, err := w.read(name)
	if err != nil {
		t.Fatal(err)
	}
	got := reading{wprequest.SanitizeUser(name), wprequest.SanitizeTextField(name), wprequest.IsEmail(name), wprequest.IsPhone(name)}
	if got != want {
		t.Errorf("%q\n is  %+q\nwant %+q", name, fmt.Sprint(got), fmt.Sprint(want))
	}
	if !wprequest.NameTooLong(name) && wprequest.NameKey(name) != wprequest.NameKey(want.user) {
		t.Errorf("%q has the key %q, and what WordPress makes of it, %q, has %q", name, wprequest.NameKey(name), want.user, wprequest.NameKey(want.user))
	}
}

// seeds are spellings that found a difference, or that attackers use.
var seeds = []string{
	"", "0", "alice", "ALICE", " alice ", "alice@example.com", "a.li-ce@ex-ample.co.uk", "a@b.c", "al@ice@example.com", "alice@example..com",
	"alice@-example.com", "alice@example.com.", "alice\n@example.com", "5550004444", "+1 (555) 000-4444", "\v555", "555x", "#", "  ",
	"ali&x 1;ce", "ali&;1;ce", "ali&\n;ce", "al%69ice", "al%%4141ice", "al%6%31ice", "<b>alice</b>", "al<i>ice", "al<ice", "al< ice", "a<b\n",
	"al<ice<b>x", `al<a title=">">ice`, "al<!-- > -->ice", "al<!x>ice", "al<?php echo '?>' ?>ice", "al<?xml ?>ice", "al<!DOCTYPE a>ice", "<<b>alice>",
	"<script>x</script>alice", "<style\n>x</style >alice", "<scr<script></script>ipt>alice", "a<b 'x>alice", "a>b", "a\x00b", "a<\x00b>c",
	"ál\u0301ice", "ａｌｉｃｅ", "Ærø", "straße", "ŀ", "al\xffice", "al\xe9ice", "\xc0\x80", "al\u200bice", "alice\u00a0", "alice\u3000",
	"&lt;b&gt;alice", "<&amp;&apos;&#39;&#x27;&#0;&#x110000;&nosuch;&copy;'\"", "a%<b>41lice", "<%41>", "%", "%4", "&", ";&;", "&a;b;c;",
	"<a<b>c>d", "a<b/>c<d", "a<b\"c>d\"e>f", "a<!--b-->c", "a<!-->b-->c", "a<!b'>'c>d", "a<?b(\">\")?>c", "a<?b?>c", "a<?xMl>b",
}

func TestNamesAreReadAsWordPressReadsThemOnRealPHP(t *testing.T) {
	w := startNames(t)
	for _, name := range seeds {
		compare(t, w, name)
	}
}

func FuzzNamesOnRealPHP(f *testing.F) {
	w := startNames(f)
	for _, name := range seeds {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 400 {
			name = name[:400]
		}
		compare(t, w, name)
	})
}

func TestSpellingsOfOneNameHaveOneKey(t *testing.T) {
	for _, spelling := range []string{
		"Alice", " alice", "alice ", "ALICE", "ａｌｉｃｅ", "álice", "a\u0301lice", "ali&x 1;ce", "al%69%%4141ice", "<b>alice</b>", "al\u200bice",
		"a l i c e", "alice\x00", "al&x;ice", "al<i x='>'>ice", "𝐚lice", "aliçe", "ⓐlice",
	} {
		if wprequest.NameKey(spelling) != wprequest.NameKey("alice") {
			t.Errorf("%q has another key than alice", spelling)
		}
	}
	for _, digits := range []string{"５５５", "٥٥٥", "५५५", "⑤⑤⑤", "𝟓𝟓𝟓", " 555 "} { // MariaDB found mallory, whose name is 555…, by them
		if wprequest.NameKey(digits) != wprequest.NameKey("555") {
			t.Errorf("%q has another key than 555", digits)
		}
	}
	known := map[string]string{}
	for _, other := range []string{"alice", "alise", "bob", "alice2", "5550004444", "alice@example.com", "al-ice", "al.ice", "al_ice", "李雷", "李磊", "müller", "мария", "марина"} {
		key := wprequest.NameKey(other)
		if before, taken := known[key]; taken || key == "" {
			t.Errorf("%q has the key of %q", other, before)
		}
		known[key] = other
	}
	for _, nothing := range []string{"", " ", "<b>", "\u200b", "&x;", "%41", "\x00", "\u0301"} {
		if key := wprequest.NameKey(nothing); key != "" {
			t.Errorf("%q has the key %q", nothing, key)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		wprequest.NameKey("alice@example.com")
	}
}

func TestNoKeyCostsMuch(t *testing.T) {
	for _, long := range []string{strings.Repeat("<", 1<<20), strings.Repeat("\ufdfa", 340_000), strings.Repeat("%", 1<<20)} {
		if !wprequest.NameTooLong(long) || len(wprequest.NameKey(long)) > 400*18 {
			t.Errorf("%q… is not too long", long[:6])
		}
	}
	for _, fits := range []string{strings.Repeat("a", 100), strings.Repeat("ﷺ", 100), strings.Repeat("😀", 100)} {
		if wprequest.NameTooLong(fits) {
			t.Errorf("%q is too long", fits)
		}
	}
}
