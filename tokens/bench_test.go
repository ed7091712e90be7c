package tokens_test

import (
	"context"
	"testing"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"} {
		key, _ := newKey(b, "k1", alg)
		b.Run(alg+"/miss", func(b *testing.B) { verifyOften(b, key, 0) })
		b.Run(alg+"/hit", func(b *testing.B) { verifyOften(b, key, 10000) })
	}
}

func verifyOften(b *testing.B, key keys.Key, cache int) {
	w := embedded(b)
	a := w.authority(withKeys(key), func(c *tokens.Config) { c.VerifiedCache = cache })
	token := w.login(a, alice).Access
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyParallel(b *testing.B) {
	w := embedded(b)
	a := w.authority(func(c *tokens.Config) { c.VerifiedCache = 10000 })
	token := w.login(a, alice).Access
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRefuse(b *testing.B) {
	w := embedded(b)
	a := w.authority()
	for name, token := range map[string]string{"not a token": "garbage", "wrong signature": w.login(a, alice).Access[:300] + ".AAAA"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Verify(token); err == nil {
					b.Fatal("verified")
				}
			}
		})
	}
	refresh := []byte(w.login(a, alice).Refresh)
	refresh[90] ^= 1
	b.Run("garbage refresh token", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := a.Refresh(context.Background(), string(refresh), phone); err == nil {
				b.Fatal("refreshed")
			}
		}
	})
}

func BenchmarkIssueAndRefresh(b *testing.B) {
	rdb := tokenstest.Redis(b, "--appendonly", "no").Client()
	w := &world{b, rdb, tokenstest.NewClock()}
	a := w.authority(limit(-1), policy(tokens.Always))
	b.Run("issue", func(b *testing.B) {
		who := alice
		for b.Loop() {
			who.UserID++
			w.login(a, who)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		pair := w.login(a, alice)
		for b.Loop() {
			w.clock.Advance(60e9)
			pair = w.refresh(a, pair.Refresh)
		}
	})
}
