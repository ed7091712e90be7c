package tokens_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens"
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

func TestKeysInEveryEncoding(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	ecText := pemOf(t, "EC PRIVATE KEY", sec1, err)
	pkix, err := x509.MarshalPKIXPublicKey(&ecKey.PublicKey)
	for name, row := range map[string]struct {
		alg  string
		text []byte
		sign bool
	}{
		"PKCS#1 private": {"RS512", pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), true},
		"PKCS#1 public":  {"PS256", pemOf(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), nil), false},
		"SEC 1":          {"ES384", ecText, true},
		"SEC 1 with parameters, as openssl writes": {"ES384", append(pemOf(t, "EC PARAMETERS", []byte{6, 5, 43, 129, 4, 0, 34}, nil), ecText...), true},
		"PKIX": {"ES384", pemOf(t, "PUBLIC KEY", pkix, err), false},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := tokens.ParseKey("k", row.alg, row.text)
			if err != nil || key.CanSign() != row.sign || key.Algorithm() != row.alg || key.ID() != "k" {
				t.Errorf("parsed %v (signs: %v), %v", key, key.CanSign(), err)
			}
		})
	}
}

func TestAKeyThatOnlyVerifies(t *testing.T) {
	w := embedded(t)
	key, private := newKey(t, "k1", "EdDSA")
	pkix, err := x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public().(ed25519.PublicKey))
	public, err := tokens.ParseKey("k1", "EdDSA", pemOf(t, "PUBLIC KEY", pkix, err))
	w.must(err)
	token := w.login(w.authority(func(c *tokens.Config) { c.Keys = []tokens.Key{key} }), alice).Access
	a := w.authority(func(c *tokens.Config) { c.Keys = []tokens.Key{public, tokenstest.Key(t, "k2")} })
	w.accessIs(a, token, nil)
	if head := segment(t, w.login(a, alice).Access, 0); !strings.Contains(head, `"k2"`) {
		t.Errorf("signed with %s", head)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	es256, _ := tokens.GenerateKey("ES256")
	eddsa, _ := tokens.GenerateKey("EdDSA")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short), nil)
	agree, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := x509.MarshalPKCS8PrivateKey(agree)
	xText := pemOf(t, "PRIVATE KEY", x25519, err)
	for name, row := range map[string]struct {
		id, alg string
		text    []byte
		reason  string
	}{
		"HS256 secret of 31 bytes":  {"k", "HS256", []byte(strings.Repeat("x", 31)), "at least 32 bytes, is 31"},
		"HS384 secret of 47 bytes":  {"k", "HS384", []byte(strings.Repeat("x", 47)), "at least 48 bytes, is 47"},
		"HS512 secret of 63 bytes":  {"k", "HS512", []byte(strings.Repeat("x", 63)), "at least 64 bytes, is 63"},
		"PEM as HMAC secret":        {"k", "HS256", es256, "must not be used as the secret"},
		"PEM after text":            {"k", "HS256", append([]byte("\ufeff \n"), es256...), "must not be used as the secret"},
		"secret for ES256":          {"k", "ES256", []byte(strings.Repeat("x", 64)), "no PEM block"},
		"none":                      {"k", "none", []byte(strings.Repeat("x", 64)), "no PEM block"},
		"none with a key":           {"k", "none", es256, `"none" does not take`},
		"lower case":                {"k", "es256", es256, `"es256" does not take`},
		"ES384 with P-256":          {"k", "ES384", es256, "curve P-256"},
		"RS256 with an EC key":      {"k", "RS256", es256, "curve P-256"},
		"ES256 with an Ed25519 key": {"k", "ES256", eddsa, "does not take an Ed25519 key"},
		"EdDSA with an EC key":      {"k", "EdDSA", es256, "curve P-256"},
		"X25519":                    {"k", "EdDSA", xText, "cannot sign"},
		"RSA of 1024 bits":          {"k", "RS256", weak, "at least 2048 bits"},
		"two keys":                  {"k", "ES256", append(append([]byte{}, es256...), es256...), "more than one PEM block"},
		"encrypted":                 {"k", "ES256", pemOf(t, "ENCRYPTED PRIVATE KEY", []byte{1}, nil), "encrypted"},
		"a certificate":             {"k", "ES256", pemOf(t, "CERTIFICATE", []byte{1}, nil), "is not a key"},
		"broken":                    {"k", "ES256", pemOf(t, "PRIVATE KEY", []byte{1}, nil), "asn1"},
		"no id":                     {"", "ES256", es256, "1 to 64 characters"},
		"long id":                   {strings.Repeat("k", 65), "ES256", es256, "1 to 64 characters"},
		"id with a path":            {"../k", "ES256", es256, "only letters"},
		"id with a quote":           {`k"`, "HS256", []byte(strings.Repeat("x", 32)), "only letters"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if strings.HasPrefix(row.alg, "HS") {
				_, err = tokens.NewHMACKey(row.id, row.alg, row.text)
			} else {
				_, err = tokens.ParseKey(row.id, row.alg, row.text)
			}
			if err == nil || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("error %v does not say %q", err, row.reason)
			}
			if err != nil && strings.Contains(err.Error(), "xxxx") {
				t.Errorf("error shows the secret: %v", err)
			}
		})
	}
	if _, err := tokens.NewHMACKey("k", "ES256", []byte(strings.Repeat("x", 64))); err == nil {
		t.Error("a secret became an ES256 key")
	}
	if _, err := tokens.ParseKey("k", "HS256", es256); err == nil {
		t.Error("a PEM key became an HS256 key")
	}
	if _, err := tokens.GenerateKey("none"); err == nil {
		t.Error("a key of algorithm none was made")
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	rdb, key := tokenstest.Embedded(t), tokenstest.Key(t, "k1")
	_, err := tokens.New(tokens.Config{AccessTTL: time.Millisecond, RefreshTTL: -1, SessionTTL: -1, MaxSessions: -2, VerifiedCache: -1, MaxStaleness: -1,
		LostAnswer: "perhaps", OnStale: "panic", Keys: []tokens.Key{key, key, {}}, RefreshSecrets: [][]byte{[]byte("short")}}, rdb, prometheus.NewRegistry())
	for _, reason := range []string{"issuer", "access lifetime", "refresh lifetime", "session lifetime", "sessions per user", "verified token cache", "staleness",
		`is "perhaps"`, `is "panic"`, `"k1": its id is used twice`, "key 3", "at least 32 bytes, is 5"} {
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("the error does not say %q: %v", reason, err)
		}
	}
	_, err = tokens.New(tokens.Config{Issuer: "i", Keys: []tokens.Key{key.RetireAt(time.Unix(1, 0))}}, rdb, prometheus.NewRegistry())
	if err == nil || !strings.Contains(err.Error(), "none can sign") {
		t.Errorf("without a key that signs: %v", err)
	}
}

// Bringing in a key, moving it to the front, retiring the old one: every step on other replicas first.
func TestRotatingKeysLogsNobodyOut(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		old, new := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
		retires := w.clock.Now().Add(241 * time.Hour)
		steps := [][]tokens.Key{{old}, {old, new}, {new, old}, {new, old.RetireAt(retires)}}
		pair := w.login(w.authority(keys(old)), alice)
		for i := 1; i < len(steps); i++ {
			before, after := w.authority(keys(steps[i-1]...)), w.authority(keys(steps[i]...))
			for _, replica := range []*tokens.Authority{before, after, before, after} {
				w.accessIs(before, pair.Access, nil)
				w.accessIs(after, pair.Access, nil)
				pair = w.refresh(replica, pair.Refresh)
			}
		}
		idle := w.login(w.authority(keys(old)), alice)
		w.clock.Set(retires)
		last := w.authority(keys(steps[3]...))
		w.accessIs(last, w.refresh(last, pair.Refresh).Access, nil)
		w.accessIs(last, w.refresh(last, idle.Refresh).Access, nil)
	})
}

// Shoppers go on verifying and refreshing, on whichever replica they meet, while the keys are exchanged.
func TestRotatingKeysUnderLoadLogsNobodyOutOnRealRedis(t *testing.T) {
	w := &world{t, tokenstest.Redis(t).Client(), tokenstest.NewClock()}
	old, new := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
	var replicas [2]atomic.Pointer[tokens.Authority]
	deploy := func(i int, k ...tokens.Key) { replicas[i].Store(w.authority(keys(k...))) }
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
	for _, step := range [][]tokens.Key{{old, new}, {new, old}} {
		for i := range replicas {
			deploy(i, step...)
			seen := rounds.Load()
			tokenstest.Eventually(t, "every shopper met the new keys", func() bool { return rounds.Load() > seen+100 || t.Failed() })
		}
	}
	close(done)
	shoppers.Wait()
}

func keys(k ...tokens.Key) func(*tokens.Config) {
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
	one, err1 := tokens.ParseKey("k", "ES256", pemOf(t, "EC PRIVATE KEY", sec1, err))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ecKey)
	two, err2 := tokens.ParseKey("k", "ES256", pemOf(t, "PRIVATE KEY", pkcs8, err))
	w.must(err1)
	w.must(err2)
	w.refresh(w.authority(keys(two)), w.login(w.authority(keys(one)), alice).Refresh)
}
