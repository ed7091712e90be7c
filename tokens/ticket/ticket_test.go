package ticket_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/ticket"
	"cocart-gateway/tokens/tokenstest"
)

func TestRedisHasNoTicket(t *testing.T) {
	server, clock := tokenstest.Redis(t), tokenstest.NewClock()
	rdb, ctx := server.Client(), context.Background()
	key, err := keys.NewHMAC("k1", "HS256", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := tokens.New(tokens.Config{Issuer: "https://shop.example", Keys: []keys.Key{key}, Now: clock.Now}, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(ctx, tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice"}, tokens.Client{})
	if err != nil {
		t.Fatal(err)
	}
	access, err := authority.Verify(pair.Access)
	if err != nil {
		t.Fatal(err)
	}
	book := ticket.New(authority)
	made, err := book.Issue(ctx, access, "/cart/")
	if err != nil || len(made) != 43 {
		t.Fatalf("%q: %v", made, err)
	}
	all, err := rdb.Keys(ctx, "*ticket:*").Result()
	if err != nil || len(all) != 1 || !strings.HasPrefix(all[0], "cocart:") || strings.Contains(all[0], made) {
		t.Fatalf("%q: %v", all, err)
	}
	sealed, life := rdb.Get(ctx, all[0]).Val(), rdb.PTTL(ctx, all[0]).Val()
	if strings.Contains(sealed, "alice") || strings.Contains(sealed, made) || life <= 0 || life > time.Minute {
		t.Errorf("%q for %v", sealed, life)
	}
	if seen, err := book.Look(ctx, made); err != nil || seen.Login != "alice" || seen.To != "/cart/" {
		t.Errorf("%+v: %v", seen, err)
	}
	var mu sync.Mutex
	var spenders sync.WaitGroup
	spent := 0
	for range 8 {
		spenders.Go(func() {
			_, err := book.Spend(ctx, made)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				spent++
			} else if !errors.Is(err, tokens.Unknown) {
				t.Error(err)
			}
		})
	}
	if spenders.Wait(); spent != 1 {
		t.Errorf("spent %d times", spent)
	}
	if err := rdb.Set(ctx, all[0], `{"sub":1}`, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := book.Spend(ctx, made); !errors.Is(err, tokens.Unknown) {
		t.Errorf("what a writer of Redis made: %v", err)
	}
	if _, err := book.Issue(ctx, &tokens.Access{UserID: 2}, ""); !errors.Is(err, tokens.Unknown) {
		t.Errorf("without a session: %v", err)
	}
}
