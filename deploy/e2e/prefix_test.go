package e2e

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/tokenstest"
)

// directoryMode does what language plugins do in directory mode: home_url names the
// folder of the language in which the page is asked for.
const directoryMode = `<?php
	add_filter( 'home_url', function ( $url, $path ) {
		if ( ! preg_match( '#^/+(en|fr)(/|\\?|$)#i', $_SERVER['REQUEST_URI'] ?? '', $found ) ) {
			return $url;
		}
		$home = untrailingslashit( get_option( 'home' ) );
		return $home . '/' . strtolower( $found[1] ) . substr( $url, strlen( $home ) );
	}, 10, 2 );`

const twoLanguages = "site: {url: " + siteURL + ", paths: [/en]}\n"

func TestCoCartWorksBelowTheFolderOfALanguage(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.CoCart = "4.9.7" })
	mustUse(t, "a-language.php", directoryMode)
	g := startGateway(t, "embedded", twoLanguages)
	for _, below := range []string{"/wp-json", "/en/wp-json", "/en/index.php/wp-json", "/en/?rest_route="} {
		t.Run(strings.Trim(below, "/"), func(t *testing.T) {
			r := g.send("POST", below+"/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, "Content-Type: application/json")
			access, refresh := g.tokens(r)
			for header, want := range map[string]string{"Authorization: Bearer " + access: "alice", "Authorization: Bearer a.b.c": "refused token", "X-Nothing: 1": "200"} {
				if r := g.send("GET", below+"/cocart/v2/test/whoami", "", header); outcome(r) != want {
					t.Errorf("with %.24s: %d %.200s, want %s", header, r.Status, r.Body, want)
				}
			}
			if r := g.send("POST", below+"/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`, "Content-Type: application/json"); r.Status != 200 {
				t.Errorf("refresh: %d %s", r.Status, r.Body)
			}
			if r := g.send("POST", below+"/cocart/v2/logout", "", "Authorization: Bearer "+access); r.Status != 200 {
				t.Errorf("logout: %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestAFolderThatIsNotListedIsRefusedAndNamed(t *testing.T) {
	mustUse(t, "a-language.php", directoryMode)
	g := startGateway(t, "embedded", twoLanguages)
	if r := g.send("GET", "/fr/wp-json/cocart/v2/cart", ""); r.Status != 403 || codeOf(r.Body) != "cocart_gateway_bad_assertion" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r := g.send("GET", "/fr/wp-json/wp/v2/types", ""); r.Status != 200 {
		t.Errorf("another route: %d", r.Status)
	}
	if log := g.logged(); !strings.Contains(log, `"event":"unlisted_path"`) || !strings.Contains(log, `"prefix":"/fr"`) {
		t.Errorf("log: %s", log)
	}
}

func TestGatewayAndWordPressReadRequestsBelowAPrefixAlike(t *testing.T) {
	client := reports(t)
	mustUse(t, "a-language.php", directoryMode)
	cfg := wprequest.SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example"}, Paths: []string{"/en", "/fr"}}
	compareReadings(t, cfg, client, number(t, "FUZZREQUESTS", 3000)/2, func(r *rand.Rand) sample {
		s := generate(r)
		s.target = pickOne(r, []string{"/en", "/en", "/fr", "/EN", "/en/fr", "/xx", ""}) + s.target
		return s
	})
}

func TestTheDoctorFindsTheFoldersOfLanguages(t *testing.T) {
	redis := tokenstest.Redis(t, "--appendonly", "yes").Addr()
	mustUse(t, "a-language.php", directoryMode)
	_, complaints := ailing{upstream: theShop.URL, secret: gatewaySecret, site: siteURL, redis: redis}.examine(t)
	if want := "problem wordpress.paths: CoCart also answers below /en, /fr, which site.paths does not list: the gateway refuses such requests."; !slices.Contains(complaints, want) {
		t.Errorf("got %q, want %q", complaints, want)
	}
}
