package respond

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/gateway/accesslog"
)

var update = flag.Bool("update", false, "write the tables of codes into deploy/docs/errors.md")

const errorsPage = "../../deploy/docs/errors.md"

// go test ./gateway/respond -update writes the page anew.
func TestTheErrorsPageListsEveryCode(t *testing.T) {
	var page strings.Builder
	for _, section := range sections {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| code | status | when | what a client does | what an operator does | log event |\n|---|---|---|---|---|---|\n", section.title, section.about)
		for _, code := range constants(t)[section.block] {
			page.WriteString(row(t, code))
		}
	}
	text, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(text), "<!-- codes -->\n")
	if !found {
		t.Fatal("deploy/docs/errors.md has no mark <!-- codes -->")
	}
	compareOrWrite(t, errorsPage, string(text), head+"<!-- codes -->\n"+page.String())
}

func compareOrWrite(t *testing.T, page, text, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != text {
		t.Errorf("%s differs from the table of codes; run the test with -update", page)
	}
}

// The same codes, without those of the admin listener and without what is for operators.
func TestTheAppsPageListsEveryCodeThatAnAppSees(t *testing.T) {
	const page = "../../deploy/docs/apps.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), "<!-- codes -->\n")
	_, tail, ended := strings.Cut(rest, "<!-- end of codes -->\n")
	if !found || !ended {
		t.Fatal("the page has no marks <!-- codes --> and <!-- end of codes -->")
	}
	table := "| code | status | when | what the app does |\n|---|---|---|---|\n"
	for _, section := range sections {
		if section.title == "The admin listener" {
			continue
		}
		for _, code := range constants(t)[section.block] {
			d := codes[code]
			table += fmt.Sprintf("| `%s` | %d | %s | %s |\n", code, d.status, d.when, d.client)
		}
	}
	compareOrWrite(t, page, string(text), head+"<!-- codes -->\n"+table+"<!-- end of codes -->\n"+tail)
}

// sections are the blocks of constants in code.go.
var sections = []struct {
	block        int
	title, about string
}{
	{0, "Requests that are refused", "The client, or what it sends, is the reason. The log line has level `info`."},
	{1, "Failures of the shop or the gateway", "The request may be correct. Log lines of a status from 500 on have level `error`, with the reason in `cause`."},
	{2, "The admin listener", "Besides these the API of the admin listener answers `cocart_gateway_bad_request`, `cocart_gateway_body_too_large`, `cocart_gateway_store_unavailable`, `cocart_gateway_unknown_host` and `cocart_gateway_error`, with a message for operators."},
	{3, "The must-use plugin", "The plugin answers these itself, and some of those above, such as `cocart_authentication_error`. The gateway passes them on, so the log line has the status, and no code."},
}

func row(t *testing.T, code Code) string {
	t.Helper()
	d, found := codes[code]
	if !found || d.status < 400 || d.when == "" || d.client == "" || d.operator == "" {
		t.Errorf("the table lacks something of %s", code)
	}
	var events []string
	for _, e := range append([]accesslog.Event{d.event}, d.events...) {
		if e != "" {
			events = append(events, "`"+string(e)+"`")
		}
	}
	return fmt.Sprintf("| `%s` | %d | %s | %s | %s | %s |\n", code, d.status, d.when, d.client, d.operator, strings.Join(events, ", "))
}

// constants returns the codes of each block of constants in code.go, in their order.
func constants(t *testing.T) [][]Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var blocks [][]Code
	for _, decl := range file.Decls {
		var block []Code
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, spec := range d.Specs {
				v := spec.(*ast.ValueSpec)
				if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Code" {
					text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					block = append(block, Code(text))
				}
			}
		}
		if len(block) > 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

func TestEveryCodeIsAConstantInOneSection(t *testing.T) {
	var all []Code
	for _, block := range constants(t) {
		all = append(all, block...)
	}
	for code := range codes {
		if !slices.Contains(all, code) {
			t.Errorf("%s has no constant", code)
		}
	}
	if len(all) != len(codes) || len(constants(t)) != len(sections) {
		t.Errorf("%d constants in %d blocks, %d definitions, %d sections", len(all), len(constants(t)), len(codes), len(sections))
	}
}

func TestNoOtherPackageSpellsACode(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			slices.Contains([]string{"respond", "paritytest"}, filepath.Base(filepath.Dir(path))) {
			return err
		}
		text, err := os.ReadFile(path)
		for code := range codes {
			if strings.Contains(string(text), strconv.Quote(string(code))) {
				t.Errorf("%s spells %s", path, code)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The must-use plugin refuses with refuse( status, code, … ) and with Closed_Routes.
func TestTheTableHasTheCodesOfThePlugin(t *testing.T) {
	text, err := os.ReadFile("../../deploy/wordpress/cocart-gateway.php")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?:refuse|array)\( ([45]\d\d), '([a-z_]+)'`).FindAllStringSubmatch(string(text), -1)
	for _, call := range found {
		if _, known := codes[Code(call[2])]; !known {
			t.Errorf("the plugin answers %s %s", call[1], call[2])
		}
	}
	if len(found) < 8 {
		t.Errorf("%d refusals in the plugin", len(found))
	}
}

func TestFailIsWhatTheTableStates(t *testing.T) {
	f := Fail(StoreUnavailable).Because(http.ErrHandlerTimeout)
	if f.Status != 503 || f.RetryAfter != 5 || f.Message == "" || f.Unwrap() != http.ErrHandlerTimeout || Fail(NotAuthorized).Challenge != Challenge {
		t.Errorf("%+v", f)
	}
	if RateLimited.Event() != accesslog.Limited || RateLimited.DryRun() != "limit" || Internal.DryRun() != "other" {
		t.Error("event or word of the dry run")
	}
}
