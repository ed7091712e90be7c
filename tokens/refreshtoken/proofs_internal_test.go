package refreshtoken

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

var (
	firstSecret, secondSecret = bytes.Repeat([]byte("1"), 32), bytes.Repeat([]byte("2"), 32)
	someSalt                  = bytes.Repeat([]byte("s"), SaltBytes)
)

func TestProofsAreThoseOfTheGenerationsAroundTheCurrentOne(t *testing.T) {
	ring, id := NewRing([][]byte{firstSecret}, nil), revocation.NewSessionID(1)
	for generation, first := range map[uint64]string{0: "0", 1: "0", 2: "1", 12: "11"} {
		text := ring.Proofs(id, generation, someSalt)
		number, row, _ := strings.Cut(text, ":")
		if number != first || len(row) != 4*proofsKept {
			t.Fatalf("generation %d: %q", generation, text)
		}
		from := max(generation, 1) - 1
		for i := range uint64(proofsKept) {
			token, err := ring.Parse(ring.Mint(id, from+i, someSalt))
			if err != nil || token.Proof() != row[4*i:4*i+4] {
				t.Errorf("the proof of generation %d is not %q: %v", from+i, token.Proof(), err)
			}
		}
		if last := LastProven(text); last != from+proofsKept-1 {
			t.Errorf("the last of %q is %d", text, last)
		}
	}
	for text, want := range map[string]uint64{"": 0, "5": 0, "5:": 0, "5:abc": 0, "x:abcd": 0, "5:abcd": 5, "5:abcdefg": 5, "5:abcdefgh": 6} {
		if got := LastProven(text); got != want {
			t.Errorf("the last of %q is %d, want %d", text, got, want)
		}
	}
}

func TestWhatIsSealedIsOpenedByItsSecretAndItsName(t *testing.T) {
	old := NewRing([][]byte{firstSecret}, nil)
	sealed := old.Seal([]byte("text"), "name")
	if sealed == old.Seal([]byte("text"), "name") {
		t.Error("two boxes have one nonce")
	}
	both := NewRing([][]byte{secondSecret, firstSecret}, nil)
	if text, ok := both.Open(sealed, "name"); !ok || string(text) != "text" {
		t.Errorf("opened as %q, %v", text, ok)
	}
	if text, ok := both.Open(sealed, "another"); ok {
		t.Errorf("opened under another name: %q", text)
	}
	if text, ok := NewRing([][]byte{secondSecret}, nil).Open(sealed, "name"); ok {
		t.Errorf("opened with another secret: %q", text)
	}
	for _, broken := range []string{"", "AAAA", "!", sealed[:16], sealed[:len(sealed)-4], "A" + sealed} { // a writer of Redis
		if text, ok := both.Open(broken, "name"); ok {
			t.Errorf("%q was opened: %q", broken, text)
		}
	}
}

func TestATokenSaysWhichSecretMadeIt(t *testing.T) {
	id := revocation.NewSessionID(1)
	old, both := NewRing([][]byte{firstSecret}, nil), NewRing([][]byte{secondSecret, firstSecret}, nil)
	for secret, token := range []string{NewRing([][]byte{someSalt}, nil).Mint(id, 7, someSalt), both.Mint(id, 7, someSalt), old.Mint(id, 7, someSalt)} {
		session, generation, named, ok := both.Read(token)
		if session != id || generation != 7 || named != secret || !ok {
			t.Errorf("session %v, generation %d, secret %d, want %d, %v", session, generation, named, secret, ok)
		}
		if _, err := both.Parse(token); (err == ErrUnknownSecret) != (secret == 0) || err != nil && secret > 0 {
			t.Errorf("secret %d: %v", secret, err)
		}
	}
	good := both.Mint(id, 7, someSalt)
	for _, text := range []string{"", good[:127], good + "0", good[:126], good + "00", strings.ToUpper(good), "/" + good[1:], ":" + good[1:], "`" + good[1:], "g" + good[1:]} {
		if _, _, _, ok := both.Read(text); ok {
			t.Errorf("%q was read", text)
		}
		if _, err := both.Parse(text); err != ErrMalformed {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWithoutASecretTheKeysMakeRefreshTokens(t *testing.T) {
	key, err := keys.NewHMAC("k", "HS256", firstSecret)
	if err != nil {
		t.Fatal(err)
	}
	id := revocation.NewSessionID(1)
	byKey := NewRing(nil, []keys.Key{key}).Mint(id, 1, someSalt)
	if _, err := NewRing([][]byte{firstSecret}, []keys.Key{key}).Parse(byKey); err != ErrUnknownSecret {
		t.Errorf("a key is used beside a secret, or as it is: %v", err)
	}
	secret := bytes.Clone(firstSecret)
	ring := NewRing([][]byte{secret}, nil)
	clear(secret)
	if got, want := ring.Mint(id, 1, someSalt), NewRing([][]byte{firstSecret}, nil).Mint(id, 1, someSalt); got != want {
		t.Error("the ring changed with the bytes that it was made of")
	}
	if raw, err := hex.DecodeString(byKey); err != nil || len(raw) != refreshBytes || !bytes.HasPrefix(raw, id[:]) {
		t.Errorf("%q: %v", byKey, err)
	}
}
