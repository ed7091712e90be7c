package refreshtoken

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"cocart-gateway/tokens/revocation"
)

// Who has the server's secret but not Redis, or Redis but not the secret, makes no refresh token.
func TestHalfOfTheSecretsForgesNothing(t *testing.T) {
	secret, salt, id := bytes.Repeat([]byte("s"), 32), make([]byte, SaltBytes), revocation.NewSessionID(1)
	rand.Read(salt)
	server := NewRing([][]byte{secret}, nil)
	good := server.Mint(id, 7, salt)
	if parsed, err := server.Parse(good); err != nil || !parsed.Genuine(salt) {
		t.Fatalf("the good token is not: %v", err)
	}

	withoutSalt, err := server.Parse(server.Mint(id, 7, make([]byte, SaltBytes)))
	if err != nil || withoutSalt.Genuine(salt) {
		t.Errorf("the server alone forged a token (%v)", err)
	}
	if withoutSalt.Genuine(nil) {
		t.Error("a session without a salt takes a token")
	}

	raw, _ := hex.DecodeString(NewRing([][]byte{bytes.Repeat([]byte("x"), 32)}, nil).Mint(id, 7, salt))
	copy(raw[atSecret:atOuter], server[0].id[:])
	if _, err := server.Parse(hex.EncodeToString(raw)); err != ErrForged {
		t.Errorf("Redis alone forged an outer tag: %v", err)
	}
	copy(raw[:atInner], must(hex.DecodeString(good))[:atInner])
	withoutSecret, err := server.Parse(hex.EncodeToString(raw))
	if err != nil || withoutSecret.Genuine(salt) {
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
	ring := NewRing([][]byte{bytes.Repeat([]byte("s"), 32)}, nil)
	salt, id := make([]byte, SaltBytes), revocation.NewSessionID(1)
	seen := map[string]bool{}
	for generation := range uint64(100) {
		token := ring.Mint(id, generation, salt)
		if seen[token[2*atOuter:]] {
			t.Fatalf("generation %d has the tags of another", generation)
		}
		seen[token[2*atOuter:]] = true
		if token != ring.Mint(id, generation, salt) {
			t.Fatal("a token cannot be computed again")
		}
	}
}
