package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// apiHandler answers one call of the API. An error that it returns becomes the answer.
type apiHandler func(http.ResponseWriter, *http.Request) error

// route is one call of the API. The query may hold its parameters, each once, and nothing else: an unknown parameter is most
// often a misspelt one.
type route struct {
	method, path string
	parameters   []string
	handle       apiHandler
}

// routes are the calls of the API. Every one needs the token; bodies and answers are JSON, unless stated otherwise:
//
//	GET    /sessions[?…]              a page of the live sessions; the parameters are those of package listing
//	GET    /sessions/{id}             one session, also for some days after its end
//	DELETE /sessions/{id}             end a session
//	DELETE /sessions?user_id=N        end all sessions of a user; ?user=NAME by login name or e-mail address
//	DELETE /sessions?all=true         end all sessions
//	POST   /tokens                    {"user_id": N[, "fingerprint": "…", "login": "…"]}: start a session
//	POST   /tokens/inspect            {"token": "…"}: what it contains, whether it is valid, and if not why
//	GET    /lockouts, DELETE /lockouts  see lockouts.go
//	GET    /status, GET /history, POST /doctor  see status.go
//	GET    /shops                     the names of the shops, see shops.go
//	GET    /config, POST /reload      see configuration.go
//	POST   /oauth/…                   see oauth.go
func (h *Handler) routes(cfg Config) []route {
	all := []route{
		{"GET", "/sessions", listParameters, h.listSessions},
		{"GET", "/sessions/{id}", nil, h.showSession},
		{"DELETE", "/sessions/{id}", nil, h.endSession},
		{"DELETE", "/sessions", []string{"user_id", "user", "all"}, h.endSessions},
		{"POST", "/tokens", nil, h.createTokens},
		{"POST", "/tokens/inspect", nil, h.inspectToken},
		{"GET", "/status", nil, h.showStatus},
		{"GET", "/shops", nil, h.listShops},
	}
	if cfg.History != nil {
		all = append(all, historyRoute(cfg.History))
	}
	if cfg.Doctor != nil {
		all = append(all, h.doctorRoute(cfg.Doctor))
	}
	if cfg.Lockouts != nil {
		all = append(all, h.lockoutRoutes(cfg.Lockouts)...)
	}
	all = append(all, cfg.Configuration.routes()...)
	if cfg.OAuth {
		all = append(all, route{"POST", "/oauth/revoke", anyParameters, h.revoke}, route{"POST", "/oauth/introspect", anyParameters, h.introspect})
	}
	return all
}

// anyParameters are those of routes that other specifications define: RFC 7009 and RFC 7662 let a client send more.
var anyParameters = []string{"*"}

// addAPI adds the administration API.
func (h *Handler) addAPI(cfg Config) {
	h.protected = h.requireToken(cfg.Token)
	for _, one := range h.routes(cfg) {
		h.handle(one.method+" "+one.path, h.protected(func(w http.ResponseWriter, r *http.Request) error {
			if err := one.checkParameters(r.URL.Query()); err != nil {
				return err
			}
			return one.handle(w, r)
		}))
	}
}

// checkParameters refuses a parameter that the call does not know or that is given twice.
func (one route) checkParameters(q url.Values) error {
	if slices.Equal(one.parameters, anyParameters) {
		return nil
	}
	for name, values := range q {
		switch {
		case !slices.Contains(one.parameters, name):
			message := fmt.Sprintf("There is no parameter %.40q here.", name)
			if len(one.parameters) > 0 {
				message = fmt.Sprintf("There is no parameter %.40q here; known are %s.", name, strings.Join(one.parameters, ", "))
			}
			return badRequest(message)
		case len(values) > 1:
			return badRequest("The parameter " + name + " is given twice.")
		}
	}
	return nil
}

// logChange records a change: a holder of the token can act as any customer. The attributes must not contain text of a
// client.
func (h *Handler) logChange(r *http.Request, action string, about ...slog.Attr) {
	h.logFrom(r, slog.LevelInfo, "administration", append([]slog.Attr{slog.String("action", action)}, about...)...)
}

func (h *Handler) logFrom(r *http.Request, level slog.Level, message string, about ...slog.Attr) {
	client := r.RemoteAddr // not an address for a unix socket
	if peer, err := netip.ParseAddrPort(client); err == nil {
		client = peer.Addr().Unmap().String()
	}
	h.log.LogAttrs(r.Context(), level, message, append(about, slog.String("client", client))...)
}

// failureOf returns the answer to an error. It contains the cause, because clients of this listener are operators.
func failureOf(err error) *respond.Failure {
	var f *respond.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, tokens.Unknown):
		return respond.Fail(respond.NoSuchSession)
	case errors.Is(err, tokens.Malformed):
		return badRequest("Not the id of a session.")
	case errors.Is(err, listing.ErrUser):
		return errNotUser
	case errors.Is(err, ErrNoSuchUser):
		return respond.Fail(respond.NoSuchUser)
	case errors.Is(err, ErrAmbiguousUser):
		return respond.Fail(respond.AmbiguousUser).WithMessage(sentence(err))
	case errors.Is(err, upstream.ErrCannotFind):
		return respond.Fail(respond.UpstreamUnusable).WithMessage(sentence(err))
	case errors.Is(err, upstream.ErrUnavailable):
		return respond.Fail(respond.UpstreamUnavailable).WithMessage(sentence(err))
	case errors.Is(err, upstream.ErrTimeout):
		return respond.Fail(respond.UpstreamTimeout).WithMessage(sentence(err))
	case errors.Is(err, tokens.ErrUnavailable):
		return respond.Fail(respond.StoreUnavailable).WithMessage(err.Error())
	}
	return respond.Fail(respond.Internal).WithMessage(err.Error())
}

func badRequest(message string) *respond.Failure {
	return respond.Fail(respond.BadRequest).WithMessage(message)
}

// sentence returns the text of an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
