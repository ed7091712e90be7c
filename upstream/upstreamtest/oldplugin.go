package upstreamtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// oldRefresh answers as the old JWT plugin does, beside which the must-use
// plugin vouches for the user.
func (wp *WordPress) oldRefresh(w http.ResponseWriter, s Seen, assertion string, users []User, noPlugin bool) {
	var asked struct {
		Token string `json:"refresh_token"`
	}
	_ = json.Unmarshal([]byte(s.Body), &asked) // what is no token is refused below
	wp.Lock()
	id, known := wp.OldRefresh[asked.Token]
	active := wp.OldRefresh != nil
	if s.Claims.Kind == "refresh" {
		delete(wp.OldRefresh, asked.Token)
	}
	wp.Unlock()
	switch {
	case !active:
		JSON(w, 404, `{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}`)
		return
	case !known:
		JSON(w, 403, `{"code":"cocart_authentication_error","message":"Invalid refresh token.","data":{"status":403}}`)
		return
	}
	access, refresh := "a.new.token", "another"
	for _, u := range users {
		if u.ID == id && s.Claims.Kind == "refresh" && !noPlugin {
			wp.vouch(w, u, assertion)
		}
		if u.ID == id && wp.OldPair != nil {
			access, refresh = wp.issueOld(u)
		}
	}
	JSON(w, 200, `{"token":`+quoted(access)+`,"refresh_token":`+quoted(refresh)+`}`)
}

// issueOld has the old plugin note what it issues.
func (wp *WordPress) issueOld(u User) (access, refresh string) {
	access, refresh = wp.OldPair(u)
	wp.Lock()
	defer wp.Unlock()
	if wp.OldRefresh != nil && refresh != "" {
		wp.OldRefresh[refresh] = u.ID
	}
	return access, refresh
}

// withOldPair puts what the old plugin issues into CoCart's answer to a login.
func (wp *WordPress) withOldPair(answer string, u User) string {
	if wp.OldPair == nil {
		return answer
	}
	access, refresh := wp.issueOld(u)
	if access == "" {
		return answer
	}
	return strings.Replace(answer, `"extras":[]`, `"extras":{"jwt_token":`+quoted(access)+`,"jwt_refresh":`+quoted(refresh)+`}`, 1)
}

func quoted(token string) string {
	text, _ := json.Marshal(token) // a text always can
	return string(text)
}

func (wp *WordPress) vouch(w http.ResponseWriter, u User, assertion string) {
	w.Header().Set("X-CoCart-Gateway-Login", wp.Sign("cocart-login+jwt", assertion, map[string]any{
		"sub": strconv.FormatInt(u.ID, 10), "login": u.Login, "fp": u.Fingerprint, "claims": map[string]any{}}))
}

// end announces what ended, but not that one login of the old plugin did.
func (wp *WordPress) end(w http.ResponseWriter, c Claims, assertion string, users []User) {
	ended := map[string]any{"sub": c.Subject, "fp": c.Fingerprint, "reason": "changed"}
	if c.PAT != "" {
		for _, u := range users {
			if strconv.FormatInt(u.ID, 10) == c.Subject {
				return
			}
		}
		ended["fp"], ended["reason"] = "plugin", "deleted"
	}
	w.Header().Set("X-CoCart-Gateway-Ended", wp.Sign("cocart-ended+jwt", assertion, ended))
}
