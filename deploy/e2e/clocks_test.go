package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

const clockFile = "a-clock.php" // loaded before the plugin

// clockAhead is code by which the plugin's clock is ahead by seconds: it asks for the time in its own namespace first.
func clockAhead(seconds int) string {
	return fmt.Sprintf(`<?php namespace CoCartGateway; function time(): int { return \time() + (%d); }`, seconds)
}

// serving reports what load balancers are answered.
func (g *gateway) serving() string {
	status, body := g.ask(g.t.Context(), g.admin+"/servez")
	return fmt.Sprint(status, " ", strings.TrimSpace(body))
}

const (
	serves    = `200 {"serving":true}`
	clockDown = `503 {"serving":false,"why":"clock"}`
)

// The plugin refuses signatures that are ten seconds off. The gateway signs in WordPress's time, and reads it in replies.
func TestTheClocksOfGatewayAndWordPressMayDiffer(t *testing.T) {
	for _, seconds := range []int{25, -25} {
		t.Run(fmt.Sprint(seconds), func(t *testing.T) {
			mustUse(t, clockFile, clockAhead(seconds))
			g := startGateway(t, "embedded", "")
			access, refresh := g.login("alice", "wonderland-1")
			if r := g.cart(access); r.Status != http.StatusOK {
				t.Errorf("a customer: %d %s", r.Status, r.Body)
			}
			if r := g.refresh(refresh); r.Status != http.StatusOK {
				t.Errorf("a refresh: %d %s", r.Status, r.Body)
			}
			if got := g.serving(); got != serves {
				t.Error(got)
			}
			direction := map[bool]string{true: "ahead of", false: "behind"}[seconds > 0]
			want := regexp.MustCompile("^warning wordpress.clock: The clock of WordPress is 2[456]s " + direction + " the gateway's")
			code, complaints := ailing{theShop.URL, gatewaySecret, siteURL, "embedded", ""}.examine(t)
			if code != 0 || !slices.ContainsFunc(complaints, want.MatchString) {
				t.Errorf("the doctor: %d %q", code, complaints)
			}
		})
	}
}

func TestAClockThatIsTooFarOffTakesTheGatewayOutOfItsLoadBalancer(t *testing.T) {
	for _, seconds := range []int{45, -40} { // the plugin accepts a signature for half a minute, and ten seconds
		mustUse(t, clockFile, clockAhead(seconds))
		g := startGateway(t, "embedded", "")
		if got := g.serving(); got != clockDown {
			t.Errorf("%d s: %s", seconds, got)
		}
		if r := g.send("GET", whoami, ""); r.Status != http.StatusForbidden || codeOf(r.Body) != "cocart_gateway_bad_assertion" {
			t.Errorf("%d s: a guest: %d %s", seconds, r.Status, r.Body)
		}
		if err := theShop.MustUse(clockFile, nil); err != nil {
			t.Fatal(err)
		}
		tokenstest.Eventually(t, "the gateway notices that the clock was corrected", func() bool { return g.serving() == serves })
		if r := g.send("GET", whoami, ""); r.Status != http.StatusOK {
			t.Errorf("%d s: a guest afterwards: %d %s", seconds, r.Status, r.Body)
		}
	}
}

// WordPress's clock is set while customers shop.
func TestAGatewayNoticesThatWordPressRefusesItsTime(t *testing.T) {
	mustUse(t, clockFile, clockAhead(0))
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	for _, step := range []struct {
		seconds int
		serving string
		status  int
		msg     string // the log has it a moment later
	}{
		{-25, serves, http.StatusOK, "assertions have WordPress's time"},
		{-60, clockDown, http.StatusForbidden, "differ by more than 30s"},
		{0, serves, http.StatusOK, "agree again"},
	} {
		if err := theShop.MustUse(clockFile, []byte(clockAhead(step.seconds))); err != nil {
			t.Fatal(err)
		}
		tokenstest.Eventually(t, fmt.Sprintf("the answer is %d at %d s", step.status, step.seconds), func() bool {
			return g.cart(access).Status == step.status && g.serving() == step.serving
		})
		tokenstest.Eventually(t, "the log says "+step.msg, func() bool { return strings.Contains(g.logged(), step.msg) })
	}
	for _, msg := range []string{"assertions have WordPress's time", "differ by more than 30s", "agree again"} {
		if n := strings.Count(g.logged(), msg); n != 1 {
			t.Errorf("%d times in the log: %s", n, msg)
		}
	}
}
