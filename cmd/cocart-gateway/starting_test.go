package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
	"cocart-gateway/tokens/tokenstest"
)

// A load balancer that has not noticed that a gateway was restarted sends requests to it at once. The log is long here,
// so that reading it takes longer than a request does.
func TestAGatewayKnowsWhichSessionsEndedBeforeItsFirstAnswer(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer origin.Close()
	server := tokenstest.Redis(t)
	settings := `, redis: {address: "` + server.Addr() + `"}`
	old := startProcess(t, origin.URL, settings)
	token := old.token(1)
	log := server.Client()
	now := time.Now().UnixMilli()
	_, err := log.Pipelined(context.Background(), func(p redis.Pipeliner) error {
		for range 30_000 {
			p.XAdd(context.Background(), &redis.XAddArgs{Stream: "cocart:revocations", Values: revocation.SessionEnded(revocation.NewSessionID(now), now).Values()})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := old.request(t, http.MethodDelete, old.admin+"/sessions?user_id=1", adminToken); status/100 != 2 {
		t.Fatalf("ending the session: %d", status)
	}
	fresh := startProcess(t, origin.URL, settings)
	if status := fresh.request(t, http.MethodGet, fresh.public+cart, token); status != http.StatusUnauthorized {
		t.Errorf("the first answer to the token of an ended session is %d", status)
	}
}

// request sends one with a bearer and returns the status.
func (p *process) request(t *testing.T, method, url, bearer string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
