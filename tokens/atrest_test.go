package tokens_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// dump is everything that is in Redis, as text.
func (w *world) dump() string {
	w.Helper()
	ctx, all := context.Background(), &strings.Builder{}
	for _, key := range w.rdb.Keys(ctx, "*").Val() {
		fmt.Fprintln(all, key, w.rdb.HGetAll(ctx, key).Val(), w.rdb.ZRange(ctx, key, 0, -1).Val(), w.rdb.Get(ctx, key).Val(), w.rdb.XRange(ctx, key, "-", "+").Val())
	}
	return all.String()
}

func TestNoTokenCanBeReadFromRedis(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		w.use(a, second.Access)
		third := w.login(a, alice)
		w.must(a.EndSession(context.Background(), third.Session, tokens.CauseLogout))
		everything := w.dump()
		if !strings.Contains(everything, first.Session) || !strings.Contains(everything, "revocations") {
			t.Fatalf("this is not everything: %s", everything)
		}
		for _, pair := range []tokens.Pair{first, second, third} {
			raw, err := hex.DecodeString(pair.Refresh)
			w.must(err)
			for name, secret := range map[string]string{"an access token": pair.Access, "a signature": pair.Access[len(pair.Access)-43:], "a refresh token": pair.Refresh,
				"a refresh MAC": string(raw[48:]), "a refresh MAC in hex": pair.Refresh[96:], "a refresh MAC in base64": base64.RawStdEncoding.EncodeToString(raw[48:]),
				"the secret": tokenstest.Secret} {
				if strings.Contains(everything, secret) {
					t.Errorf("Redis holds %s", name)
				}
			}
		}
	})
}

func TestTheTombstoneKeepsNothingToMakeATokenFrom(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
		left := w.rdb.HGetAll(context.Background(), "cocart:s:"+pair.Session).Val()
		for field := range left {
			if !strings.Contains(" uid created active gen ended cause ", " "+field+" ") {
				t.Errorf("the tombstone keeps %q", field)
			}
		}
	})
}
