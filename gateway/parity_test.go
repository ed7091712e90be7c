package gateway_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/paritytest"
)

func parityCases(t *testing.T) []paritytest.Case {
	t.Helper()
	cases, err := paritytest.Load("testdata/parity.json")
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// What the rows say is held by the tests that put the cases to a gateway; that
// there is a row for each difference, a case for each row, and nothing miscounted,
// is held here.
func TestEveryDifferenceFromThePluginHasItsRow(t *testing.T) {
	text, err := os.ReadFile("PARITY.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]int{}
	cases, alike, alike403 := parityCases(t), 0, 0
	for _, c := range cases {
		if c.Alike(401) {
			alike++
		}
		if c.Alike(403) {
			alike403++
		}
		countRows(t, c, shown)
	}
	told := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| \*\*(.+?)\*\* \| (\d+) \| .+ \| .+ \|$`).FindAllStringSubmatch(string(text), -1) {
		told[row[1]], _ = strconv.Atoi(row[2]) // the pattern takes digits only
	}
	for _, row := range slices.Sorted(maps.Keys(shown)) {
		if told[row] != shown[row] {
			t.Errorf("%d cases show %q, PARITY.md says %d", shown[row], row, told[row])
		}
		delete(told, row)
	}
	for row := range told {
		t.Errorf("no case shows %q", row)
	}
	want := fmt.Sprintf("**%d cases**: %d are answered alike, %d differently. With `compat.invalid_token_status: 403` it is %d and %d.",
		len(cases), alike, len(cases)-alike, alike403, len(cases)-alike403)
	if !strings.Contains(string(text), want) {
		t.Errorf("PARITY.md does not say: %s", want)
	}
}

func countRows(t *testing.T, c paritytest.Case, shown map[string]int) {
	t.Helper()
	for i, d := range c.Ours {
		shown[d.Row]++
		without := c
		without.Ours = slices.Delete(slices.Clone(c.Ours), i, i+1)
		if reflect.DeepEqual(c.Expected(401), without.Expected(401)) {
			t.Errorf("%s: %q makes no difference", c.Name, d.Row)
		}
	}
}

// The cases in which time goes by.
func TestTheGatewayAnswersLikeThePluginAsTimeGoesBy(t *testing.T) {
	for _, c := range parityCases(t) {
		if c.Later == "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			s := openShop(t)
			fill := timeGoesBy(t, s, c)
			var headers []string
			for _, h := range c.Headers {
				headers = append(headers, h[0]+": "+fill.Replace(h[1]))
			}
			r := s.do(c.Method, c.Target, fill.Replace(c.Body), headers...)
			got := paritytest.Read(r.Status, r.Header, r.Body)
			for _, difference := range paritytest.Compare(c.Expected(401), got) {
				t.Error(difference)
			}
		})
	}
}

// timeGoesBy does what a case says happened before.
func timeGoesBy(t *testing.T, s *shop, c paritytest.Case) *strings.Replacer {
	t.Helper()
	access, refresh := s.login()
	newAccess, newRefresh := "", ""
	if strings.HasPrefix(c.Before, "refreshed") || strings.HasPrefix(c.Before, "reused") {
		newAccess, newRefresh = s.refresh(refresh).pair(t)
		s.cart(newAccess)
		_, newRefresh = s.refresh(newRefresh).pair(t) // the successor was used: nobody missed it
	}
	later, err := time.ParseDuration(c.Later)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.step(later)
	s.store.SetTime(s.clock.Now())
	if strings.HasPrefix(c.Before, "reused") {
		s.stolen(refresh)
	}
	return strings.NewReplacer("{access}", access, "{refresh}", refresh, "{new access}", newAccess, "{new refresh}", newRefresh)
}
