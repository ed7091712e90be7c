package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// judgement is what would have become of a request: an exchange of its own with
// a copy of the header, whose answer nobody reads.
type judgement struct {
	exchange
	err       error // why it would have been refused
	goodToken bool
	elsewhere bool // the token is bound to another address on the way than it should be
	shop      int  // the status that WordPress answered; 0: none
	passing   *passingBody
}

// newJudgement judges a request and leaves it as it was: what was looked at of
// its body is put back.
func (g *Gateway) newJudgement(x *exchange) *judgement {
	j := &judgement{exchange: exchange{
		w: &recorder{ResponseWriter: x.w.ResponseWriter, setHeaders: func(int) {}}, r: x.r.Clone(x.r.Context()),
		target: x.target, origin: x.origin, id: x.id, record: &record{class: wprequest.ClassSite},
		body: &guardedBody{}, // so that bound puts no guard on the body
	}}
	j.err = g.judge(j)
	x.r.Body = j.r.Body
	if j.record.class.IsCoCart() && x.r.Body != nil && x.r.Body != http.NoBody {
		j.passing = &passingBody{ReadCloser: x.r.Body, separator: wprequest.NewFieldCounter(x.r.Header.Get("Content-Type"))}
		x.r.Body = j.passing
	}
	return j
}

func (g *Gateway) judge(j *judgement) error {
	if err := g.knownHost(&j.exchange); err != nil {
		return err
	}
	for _, read := range []func(*exchange) (wprequest.Classification, error){g.readTarget, g.readOn} {
		if err := g.classify(&j.exchange, read); err != nil {
			return err
		}
	}
	switch j.verdict.Class {
	case wprequest.ClassSite, wprequest.ClassJWKS:
		return nil
	case wprequest.ClassLogin:
		return g.judgeLogin(j)
	case wprequest.ClassRefresh:
		return g.judgeRefresh(j)
	case wprequest.ClassValidate:
		return g.judgeValidate(j)
	}
	if g.cors != nil && isPreflight(j.r) {
		return nil
	}
	return g.judgeProtected(j)
}

func (g *Gateway) judgeLogin(j *judgement) error {
	b, err := g.peekToken(j)
	if err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(j.r.Header)
	if err != nil {
		return err
	}
	found := j.input(b).Credentials()
	if bearer != "" && !found.Complete() {
		return g.judgeToken(j, bearer)
	}
	return g.beginAttempt(&j.exchange, b, found)
}

func (g *Gateway) judgeRefresh(j *judgement) error {
	if err := g.allow(&j.exchange, attempts.Refresh); err != nil {
		return err
	}
	b, err := g.peekToken(j)
	if err != nil {
		return err
	}
	token, err := j.input(b).RefreshToken()
	if err != nil || g.cfg.PluginRefresh && migration.Foreign(g.authority, token) {
		return err
	}
	var rejection tokens.Rejection
	if errors.As(g.authority.Recognise(token), &rejection) {
		return g.refusedRefresh(rejection)
	}
	return nil
}

func (g *Gateway) judgeValidate(j *judgement) error {
	if err := wprequest.RefuseWrapping(j.verdict.Query); err != nil {
		return err
	}
	if err := g.allow(&j.exchange, attempts.Validate); err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(j.r.Header)
	if err != nil || bearer == "" {
		return err // without a token both say 401
	}
	return g.judgeToken(j, bearer)
}

func (g *Gateway) judgeProtected(j *judgement) error {
	a, b, err := g.whose(&j.exchange)
	j.goodToken = a.Kind == upstream.Customer
	if err != nil {
		return err
	}
	if b != nil {
		if err := g.beginCredentials(&j.exchange, b); err != nil {
			return err
		}
	}
	return g.admit(&j.exchange, a)
}

func (g *Gateway) judgeToken(j *judgement, bearer string) error {
	_, err := g.verify(&j.exchange, bearer)
	j.goodToken = err == nil
	return err
}

// peekToken looks at the body of a login or refresh, which may not be long.
func (g *Gateway) peekToken(j *judgement) (*wprequest.Body, error) {
	if err := wprequest.RefuseWrapping(j.verdict.Query); err != nil {
		return nil, err
	}
	tooLong := wprequest.TooLarge(g.cfg.MaxLoginBody, "limits.login_body")
	if j.r.ContentLength > g.cfg.MaxLoginBody {
		return nil, tooLong
	}
	b, err := peekBody(j.r, g.cfg.Bounds)
	if err == nil && int64(len(b.Raw)) > g.cfg.MaxLoginBody {
		return nil, tooLong
	}
	return b, err
}

// refusal is why the request would have been refused, once all of its body that
// WordPress wanted has passed.
func (j *judgement) refusal(bounds BoundsConfig) error {
	if j.err != nil || j.passing == nil {
		return j.err
	}
	n, fields := j.passing.seen()
	switch {
	case n > bounds.Body:
		return wprequest.TooLarge(bounds.Body, "limits.body")
	case fields >= bounds.Parameters:
		return wprequest.TooManyParameters(bounds.Parameters)
	}
	return nil
}

// passingBody measures a body on its way.
type passingBody struct {
	io.ReadCloser
	separator *wprequest.FieldCounter // nil: not a form

	mu sync.Mutex // guards what follows: the transport may read on after the answer
	n  int64
	c  int
}

func (b *passingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(n)
	if b.separator != nil {
		b.c = b.separator.Count(p[:n])
	}
	return n, err
}

func (b *passingBody) seen() (bytes int64, fields int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n, b.c
}
