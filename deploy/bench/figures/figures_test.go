package figures_test

import (
	"bytes"
	"encoding/xml"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cocart-gateway/deploy/bench/figures"
)

func rounds(cpu ...float64) []figures.Sample {
	var all []figures.Sample
	for _, c := range cpu {
		all = append(all, figures.Sample{CPU: c, Rate: 1e6 / c, Requests: 10})
	}
	return all
}

func TestTheMedianIsTheMiddle(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   figures.Range
	}{
		{nil, figures.Range{}},
		{[]float64{3}, figures.Range{Median: 3, Min: 3, Max: 3}},
		{[]float64{9, 1, 4}, figures.Range{Median: 4, Min: 1, Max: 9}},
		{[]float64{9, 1, 4, 6}, figures.Range{Median: 5, Min: 1, Max: 9}},
	} {
		if got := figures.Over(row.values); got != row.want {
			t.Errorf("%v: %+v", row.values, got)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	// The machine slows down threefold in the last round, for both.
	us, bare := rounds(20, 22, 60), rounds(10, 10, 30)
	if got, want := figures.Ratio(us, bare, figures.CPU), (figures.Range{Median: 2, Min: 2, Max: 2.2}); got != want {
		t.Errorf("%+v", got)
	}
	if got, want := figures.Difference(us, bare, figures.CPU), (figures.Range{Median: 12, Min: 10, Max: 30}); got != want {
		t.Errorf("%+v", got)
	}
	if got := figures.Ratio(us, rounds(), figures.CPU); got != (figures.Range{}) {
		t.Errorf("in relation to nothing: %+v", got)
	}
}

func TestARowMeetsItsGoal(t *testing.T) {
	for _, row := range []struct {
		row         figures.Row
		met, likely bool
	}{
		{figures.AtMost("1", "", figures.Range{Median: 1.154, Min: 1, Max: 1.1549}, 1.15, "×"), true, true},
		{figures.AtMost("1", "", figures.Range{Median: 1.156, Min: 1.156, Max: 2}, 1.15, "×"), false, true},
		{figures.AtMost("1", "", figures.Range{Median: 1.1, Min: 1, Max: 1.2}, 1.15, "×"), true, false},
		{figures.AtLeast("7", "", figures.Range{Median: 10_400, Min: 10_200, Max: 11_000}, 10_000, "/s"), true, true},
		{figures.AtLeast("7", "", figures.Range{Median: 9_990, Min: 9_000, Max: 11_000}, 10_000, "/s"), false, false},
		{figures.AtMost("6", "", figures.Range{}, 0, ""), true, true},
	} {
		if row.row.Met != row.met || row.row.Likely != row.likely {
			t.Errorf("%+v: met %t, likely %t", row.row, row.row.Met, row.row.Likely)
		}
	}
}

func TestANoisyMachineConcludesNothing(t *testing.T) {
	for _, row := range []struct {
		noise figures.Noise
		want  string
	}{
		{figures.Noise{Foreign: 0.02, Spread: 0.1}, ""},
		{figures.Noise{Foreign: 0.31, Spread: 0.1}, "other programs used 31 %"},
		{figures.Noise{Foreign: 0.02, Spread: figures.SpreadOf(figures.Range{Median: 10, Min: 8, Max: 12})}, "varied by 40 %"},
	} {
		if got := row.noise.TooNoisy(); !strings.Contains(got, row.want) || (got == "") != (row.want == "") {
			t.Errorf("%+v: %q", row.noise, got)
		}
	}
}

func report() figures.Report {
	us, bare := rounds(30, 33, 36), rounds(20, 22, 24)
	us[1].Wrong = 2
	return figures.Report{Date: "2026-11-29", Machine: "2 CPUs", Version: "0123abc", Rounds: 3, TooNoisy: "somewhat",
		Candidates: []figures.Candidate{
			figures.Summary("bare", "customer", bare, nil),
			figures.Summary("gateway", "customer", us, map[string][]figures.Sample{"bare": bare}),
		},
		Rows: []figures.Row{figures.AtMost("1", "protected GET", figures.Ratio(us, bare, figures.CPU), 1.15, "× bare")}}
}

func TestTheTableSaysWhatWasMeasured(t *testing.T) {
	var out bytes.Buffer
	if err := report().Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-11-29, gateway 0123abc, 2 CPUs, 3 rounds", "33.0 (30.0–36.0)", "bare 1.50×", "2 WRONG ANSWERS",
		"1    protected GET  1.5 × bare  ≤ 1.15  no", "too noisy to conclude: somewhat"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestTheFileGivesTheReportBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bin", "bench.json")
	want := report()
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := figures.Read(file)
	if err != nil || !reflect.DeepEqual(got.Rows, want.Rows) || got.Candidates[1].Wrong != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRowsAreInTheOrderOfTheirNumbers(t *testing.T) {
	rows := []figures.Row{{ID: "10"}, {ID: "2-page"}, {ID: "1"}, {ID: "2-guest"}}
	figures.Sort(rows)
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	if got := strings.Join(ids, " "); got != "1 2-page 2-guest 10" {
		t.Error(got)
	}
}

func TestThePictureShowsEveryCandidateOfARequest(t *testing.T) {
	r := report()
	r.Candidates = append(r.Candidates, figures.Summary("a < b", "guest", rounds(1), nil))
	picture := r.SVG("customer", "CPU & more")
	if err := xml.Unmarshal([]byte(picture), new(struct{})); err != nil {
		t.Errorf("%v in %s", err, picture)
	}
	for _, want := range []string{">bare<", ">gateway<", "33 µs", "CPU &amp; more"} {
		if !strings.Contains(picture, want) {
			t.Errorf("%q is missing in %s", want, picture)
		}
	}
	if strings.Contains(picture, "a &lt; b") {
		t.Error("another kind of request is in the picture")
	}
}
