package tokens

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"cocart-gateway/tokens/revocation"
)

// Who has the server's secret but not Redis, or Redis but not the secret, makes no refresh token.
func TestHalfOfTheSecretsForgesNothing(t *testing.T) {
	secret, salt, id := bytes.Repeat([]byte("s"), 32), make([]byte, saltBytes), revocation.NewSessionID(1)
	rand.Read(salt)
	server := newRefreshRing([][]byte{secret}, nil)
	good := server.mint(id, 7, salt)
	if parsed, err := server.parse(good); err != nil || !parsed.genuine(salt) {
		t.Fatalf("the good token is not: %v", err)
	}

	withoutSalt, err := server.parse(server.mint(id, 7, make([]byte, saltBytes)))
	if err != nil || withoutSalt.genuine(salt) {
		t.Errorf("the server alone forged a token (%v)", err)
	}
	if withoutSalt.genuine(nil) {
		t.Error("a session without a salt takes a token")
	}

	raw, _ := hex.DecodeString(newRefreshRing([][]byte{bytes.Repeat([]byte("x"), 32)}, nil).mint(id, 7, salt))
	copy(raw[atSecret:atOuter], server[0].id[:])
	if _, err := server.parse(hex.EncodeToString(raw)); err != BadSignature {
		t.Errorf("Redis alone forged an outer tag: %v", err)
	}
	copy(raw[:atInner], must(hex.DecodeString(good))[:atInner])
	withoutSecret, err := server.parse(hex.EncodeToString(raw))
	if err != nil || withoutSecret.genuine(salt) {
		t.Errorf("Redis alone forged an inner tag (%v)", err)
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

func TestTheOldTokenTellsNothingAboutTheNext(t *testing.T) {
	ring := newRefreshRing([][]byte{bytes.Repeat([]byte("s"), 32)}, nil)
	salt, id := make([]byte, saltBytes), revocation.NewSessionID(1)
	seen := map[string]bool{}
	for generation := range uint64(100) {
		token := ring.mint(id, generation, salt)
		if seen[token[2*atOuter:]] {
			t.Fatalf("generation %d has the tags of another", generation)
		}
		seen[token[2*atOuter:]] = true
		if token != ring.mint(id, generation, salt) {
			t.Fatal("a token cannot be computed again")
		}
	}
}
