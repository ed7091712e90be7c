package tokens_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

func privateKey(t testing.TB, text []byte) any {
	t.Helper()
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(t testing.TB, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestAKeyThatOnlyVerifies(t *testing.T) {
	w := embedded(t)
	key, private := newKey(t, "k1", "EdDSA")
	pkix, err := x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public().(ed25519.PublicKey))
	public, err := keys.Parse("k1", "EdDSA", pemOf(t, "PUBLIC KEY", pkix, err))
	w.must(err)
	token := w.login(w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{key} }), alice).Access
	a := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{public, tokenstest.Key(t, "k2")} })
	w.accessIs(a, token, nil)
	if head := segment(t, w.login(a, alice).Access, 0); !strings.Contains(head, `"k2"`) {
		t.Errorf("signed with %s", head)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	rdb, key := tokenstest.Embedded(t), tokenstest.Key(t, "k1")
	_, err := tokens.New(tokens.Config{AccessTTL: time.Millisecond, RefreshTTL: -1, SessionTTL: -1, MaxSessions: -2, VerifiedCache: -1, MaxStaleness: -1,
		LostAnswer: "perhaps", OnStale: "panic", Keys: []keys.Key{key, key, {}}, RefreshSecrets: [][]byte{[]byte("short")}}, rdb, prometheus.NewRegistry())
	for _, reason := range []string{"issuer", "access lifetime", "refresh lifetime", "session lifetime", "sessions per user", "verified token cache", "staleness",
		`is "perhaps"`, `is "panic"`, `"k1": its id is used twice`, "key 3", "at least 32 bytes, is 5"} {
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("the error does not say %q: %v", reason, err)
		}
	}
	_, err = tokens.New(tokens.Config{Issuer: "i", Keys: []keys.Key{key.RetireAt(time.Unix(1, 0))}}, rdb, prometheus.NewRegistry())
	if err == nil || !strings.Contains(err.Error(), "none can sign") {
		t.Errorf("without a key that signs: %v", err)
	}
}

// Bringing in a key, moving it to the front, retiring the old one: every step on other replicas first.
func TestRotatingKeysLogsNobodyOut(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		old, new := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
		retires := w.clock.Now().Add(241 * time.Hour)
		steps := [][]keys.Key{{old}, {old, new}, {new, old}, {new, old.RetireAt(retires)}}
		pair := w.login(w.authority(withKeys(old)), alice)
		for i := 1; i < len(steps); i++ {
			before, after := w.authority(withKeys(steps[i-1]...)), w.authority(withKeys(steps[i]...))
			for _, replica := range []*tokens.Authority{before, after, before, after} {
				w.accessIs(before, pair.Access, nil)
				w.accessIs(after, pair.Access, nil)
				pair = w.refresh(replica, pair.Refresh)
			}
		}
		idle := w.login(w.authority(withKeys(old)), alice)
		w.clock.Set(retires)
		last := w.authority(withKeys(steps[3]...))
		w.accessIs(last, w.refresh(last, pair.Refresh).Access, nil)
		w.accessIs(last, w.refresh(last, idle.Refresh).Access, nil)
	})
}

// Shoppers go on verifying and refreshing, on whichever replica they meet, while the keys are exchanged.
func TestRotatingKeysUnderLoadLogsNobodyOutOnRealRedis(t *testing.T) {
	w := &world{t, tokenstest.Redis(t).Client(), tokenstest.NewClock()}
	old, new := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
	var replicas [2]atomic.Pointer[tokens.Authority]
	deploy := func(i int, k ...keys.Key) { replicas[i].Store(w.authority(withKeys(k...))) }
	deploy(0, old)
	deploy(1, old)

	var shoppers sync.WaitGroup
	var rounds atomic.Int64
	done := make(chan struct{})
	for shopper := range 8 {
		pair := w.login(replicas[0].Load(), tokens.Identity{UserID: int64(shopper + 1)})
		shoppers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				var err error
				if _, err = replicas[n%2].Load().Verify(pair.Access); err == nil {
					pair, _, err = replicas[(n+shopper)%2].Load().Refresh(t.Context(), pair.Refresh, phone)
				}
				if err != nil {
					t.Errorf("a shopper was turned away: %v", err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	for _, step := range [][]keys.Key{{old, new}, {new, old}} {
		for i := range replicas {
			deploy(i, step...)
			seen := rounds.Load()
			tokenstest.Eventually(t, "every shopper met the new keys", func() bool { return rounds.Load() > seen+100 || t.Failed() })
		}
	}
	close(done)
	shoppers.Wait()
}

func withKeys(k ...keys.Key) func(*tokens.Config) {
	return func(c *tokens.Config) { c.Keys = k }
}

func TestRefreshSecretsRotateToo(t *testing.T) {
	w := embedded(t)
	one, two := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	secrets := func(s ...[]byte) func(*tokens.Config) { return func(c *tokens.Config) { c.RefreshSecrets = s } }
	pair := w.login(w.authority(secrets(one)), alice)
	next := w.refresh(w.authority(secrets(two, one)), pair.Refresh)
	if got := w.refresh(w.authority(secrets(two, one)), pair.Refresh); got.Refresh != next.Refresh {
		t.Error("a token of the old secret did not converge")
	}
	w.refreshIs(w.authority(secrets(two)), next.Refresh, nil)
	w.refreshIs(w.authority(secrets(two)), pair.Refresh, tokens.UnknownKey)
	w.refreshIs(w.authority(), next.Refresh, tokens.UnknownKey)
}

// The same key in another file format must not change the refresh secret that is derived from it.
func TestReencodingAKeyLosesNoSession(t *testing.T) {
	w := embedded(t)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	one, err1 := keys.Parse("k", "ES256", pemOf(t, "EC PRIVATE KEY", sec1, err))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ecKey)
	two, err2 := keys.Parse("k", "ES256", pemOf(t, "PRIVATE KEY", pkcs8, err))
	w.must(err1)
	w.must(err2)
	w.refresh(w.authority(withKeys(two)), w.login(w.authority(withKeys(one)), alice).Refresh)
}
