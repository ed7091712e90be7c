package gateway_test

import (
	"net/netip"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/repeats"
	"cocart-gateway/tokens/attempts"
)

// repeating is a guarded shop whose clients may send the same request again.
func repeating(t *testing.T) *guardedShop {
	t.Helper()
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	})
	s.distinct = false
	return s
}

// asked returns how often WordPress is asked while something is done.
func (s *guardedShop) asked(do func()) int {
	before := len(s.wordpress.Seen())
	do()
	return len(s.wordpress.Seen()) - before
}

func TestARefusedRequestThatIsSentAgainCountsOnce(t *testing.T) {
	for name, send := range map[string]func(s *guardedShop, secret string, more ...string) reply{
		"login": func(s *guardedShop, secret string, more ...string) reply { return s.try("alice", secret, more...) },
		"login of an unknown name": func(s *guardedShop, secret string, more ...string) reply {
			return s.try("carol", secret, more...)
		},
		"Basic on the cart": func(s *guardedShop, secret string, more ...string) reply {
			return s.do("GET", cartRoute, "", append(more, basicHeader("alice:"+secret))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := repeating(t)
			n := s.asked(func() {
				for _, secret := range []string{"a", "b", "c"} {
					first, again := send(s, secret), send(s, secret)
					s.statuses("401 401", first, again)
					if first.Body != again.Body || first.Header.Get("RateLimit-Remaining") != again.Header.Get("RateLimit-Remaining") {
						t.Errorf("%s %v, then %s %v", first.Body, first.Header, again.Body, again.Header)
					}
				}
			})
			if n != 3 {
				t.Errorf("WordPress was asked %d times", n)
			}
			s.statuses("429", send(s, "d"))
			if n := s.metric("cocart_gateway_attempts_total", "repeated"); n != 3 {
				t.Errorf("repeated: %v", n)
			}
			for _, d := range s.waited {
				if d != time.Second {
					t.Errorf("waited %v", s.waited)
				}
			}
			if len(s.waited) != 6 {
				t.Errorf("waited %d times", len(s.waited))
			}
		})
	}
}

// The SDK refreshes its tokens between the two, so the second request has another token.
func TestTheTokenBesideARefusedPasswordMayChange(t *testing.T) {
	s := repeating(t)
	access, _ := s.login()
	if n := s.asked(func() {
		s.statuses("401 401", s.try("alice", "a", "Authorization: Bearer a.b.c"), s.try("alice", "a", "Authorization: Bearer "+access))
	}); n != 1 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

func TestOnlyTheSameGuessIsAnsweredFromMemory(t *testing.T) {
	s := repeating(t)
	s.try("alice", "a")
	for name, send := range map[string]func() reply{
		"another password":   func() reply { return s.try("alice", "A") },
		"another name":       func() reply { return s.try("carol", "a") },
		"another address":    func() reply { return s.try("alice", "a", "X-Forwarded-For: 192.0.2.7") },
		"another User-Agent": func() reply { return s.try("alice", "a", "User-Agent: Other/1") },
		"another origin":     func() reply { return s.try("alice", "a", "Origin: https://other.example") },
		"another target":     func() reply { return s.post(loginRoute+"?x=1", `{"username":"alice","password":"a"}`) },
		"beside a password": func() reply {
			return s.try("alice", "a", basicHeader("carol:a"))
		},
	} {
		if n := s.asked(func() { send() }); n != 1 {
			t.Errorf("%s: WordPress was asked %d times", name, n)
		}
		s.store.FlushAll() // no limit is in the way
	}
	s.clock.step(repeats.Life)
	if n := s.asked(func() { s.try("alice", "a") }); n != 1 {
		t.Errorf("two seconds later: WordPress was asked %d times", n)
	}
}

func TestARightPasswordIsNeverAnsweredFromMemory(t *testing.T) {
	s := repeating(t)
	if n := s.asked(func() { s.statuses("200 200", s.try("alice", "wonderland-1"), s.try("alice", "wonderland-1")) }); n != 2 {
		t.Errorf("WordPress was asked %d times", n)
	}
	s.try("alice", "new-1")
	s.judge.ids["alice"] = 3 // whose password this is, now
	if n := s.asked(func() { s.try("alice", "new-1") }); n != 0 {
		t.Errorf("within two seconds: %d", n)
	}
}

// Two answers for one login are two codes by mail, of which the first is void.
func TestASecondFactorIsAskedForOnce(t *testing.T) {
	s := repeating(t)
	if n := s.asked(func() { s.statuses("401 401", s.try("bob", "builder-2"), s.try("bob", "builder-2")) }); n != 1 {
		t.Errorf("WordPress was asked %d times", n)
	}
	code := func(code string) reply {
		return s.post(loginRoute, `{"username":"bob","password":"builder-2","2fa_code":"`+code+`"}`)
	}
	if n := s.asked(func() { s.statuses("401 401 401 429", code("1"), code("1"), code("2"), code("3")) }); n != 2 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

// A refusal for too many attempts is never remembered: it ends by itself.
func TestALockIsNotRememberedAsARefusal(t *testing.T) {
	s := repeating(t)
	s.statuses("401 401 401 429", s.try("alice", "a"), s.try("alice", "b"), s.try("alice", "c"), s.try("alice", "wonderland-1"))
	s.store.FlushAll()
	s.statuses("200", s.try("alice", "wonderland-1"))
}

// Each gateway has a memory of its own: what comes to another one is counted again.
func TestGatewaysDoNotShareTheMemoryOfRefusals(t *testing.T) {
	s, other := repeating(t), repeating(t)
	for _, each := range []*guardedShop{s, other} {
		if n := each.asked(func() { each.try("alice", "a") }); n != 1 {
			t.Errorf("WordPress was asked %d times", n)
		}
	}
	s.store.Close() // what is remembered does not need Redis
	if n := s.asked(func() { s.statuses("401", s.try("alice", "a")) }); n != 0 {
		t.Errorf("without Redis WordPress was asked %d times", n)
	}
}
