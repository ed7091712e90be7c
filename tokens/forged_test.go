package tokens_test

import (
	"context"
	"testing"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/refreshtoken"
	"cocart-gateway/tokens/revocation"
)

// Attack: who has the refresh secret, but not the salt of a session, makes tokens of it until one has a proof that the session's
// hash has, which is short, or of a generation of which the hash has no proof. Prevention: no pair is made without the tag that
// needs the salt, and what has no proof is compared with that tag before the session moves.
func TestATokenMadeWithoutTheSaltIsRefusedWhateverItsProof(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		secret := []byte("a refresh secret that is long enough")
		a, ctx := w.authority(func(c *tokens.Config) { c.RefreshSecrets = [][]byte{secret} }), context.Background()
		pair := w.login(a, alice)
		id, _ := revocation.ParseSessionID(pair.Session)
		ring, otherSalt := refreshtoken.NewRing([][]byte{secret}, nil), make([]byte, refreshtoken.SaltBytes)
		keys, err := w.rdb.Keys(ctx, "*s:"+pair.Session).Result()
		if err != nil || len(keys) != 1 {
			t.Fatalf("%q: %v", keys, err)
		}
		before := w.rdb.HGet(ctx, keys[0], "gen").Val()

		w.refreshIs(a, ring.Mint(id, 1000, otherSalt), tokens.BadSignature)
		if got := w.rdb.HGet(ctx, keys[0], "gen").Val(); got != before {
			t.Errorf("a token without a proof moved the session from generation %s to %s", before, got)
		}
		w.refresh(a, pair.Refresh)

		pair = w.login(a, alice)
		id, _ = revocation.ParseSessionID(pair.Session)
		keys, _ = w.rdb.Keys(ctx, "*s:"+pair.Session).Result()
		w.must(w.rdb.HSet(ctx, keys[0], "p", ring.Proofs(id, 1, otherSalt)).Err())
		w.refreshIs(a, ring.Mint(id, 1, otherSalt), tokens.BadSignature)
	})
}

// The first account of a shop is its administrator, and its id is the smallest that there is.
func TestTheFirstAccountOfWordPressIsACustomer(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other, ctx := w.authority(), w.authority(), context.Background()
		pair := w.login(a, tokens.Identity{UserID: 1, Login: "admin", Fingerprint: "f"})
		w.accessIs(a, pair.Access, nil)
		pair = w.refresh(a, pair.Refresh)
		w.accessIs(a, pair.Access, nil)
		if n, err := a.EndUser(ctx, 1, "", tokens.CauseAccount); n != 1 || err != nil {
			t.Errorf("ended %d, %v", n, err)
		}
		w.catchUp(other)
		w.accessIs(other, pair.Access, tokens.Revoked)
		for _, invalid := range []int64{0, -1} {
			if n, err := a.EndUser(ctx, invalid, "", tokens.CauseAccount); n != 0 || err == nil {
				t.Errorf("the sessions of user %d ended: %d, %v", invalid, n, err)
			}
		}
	})
}

func TestWithoutTokensOfThePluginATokenWithoutAKeyIsRefused(t *testing.T) {
	w := embedded(t)
	a := w.authority(func(c *tokens.Config) { c.Audience = "shop" })
	w.accessIs(a, forge(goodHeader, goodPayload), nil)
	for header, want := range map[string]error{
		`{"alg":"HS256","typ":"JWT"}`: tokens.UnknownKey, `{"alg":"none","typ":"JWT"}`: tokens.WrongAlgorithm, `{"alg":"HS256","typ":"JWT","kid":null}`: tokens.UnknownKey,
		`{"alg":"none","typ":"JWT","kid":"k2"}`: tokens.UnknownKey, `{"alg":"HS256","typ":"at+jwt"}`: tokens.Malformed,
	} {
		w.accessIs(a, forge(header, goodPayload), want)
	}
}

func TestWithoutAnAudienceATokenMayHaveOne(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	for audience, want := range map[string]error{``: nil, `"aud":"shop",`: nil, `"aud":"",`: nil, `"aud":null,`: tokens.WrongAudience, `"aud":["shop"],`: tokens.WrongAudience, `"aud":1,`: tokens.WrongAudience} {
		w.accessIs(a, forge(goodHeader, with(goodPayload, `"aud":"shop",`, audience)), want)
	}
}
