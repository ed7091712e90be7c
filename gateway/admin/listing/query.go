package listing

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Parameters are the names that [Parse] knows.
var Parameters = []string{"user_id", "login", "address", "device", "sort", "order", "limit", "after"}

// ErrUser is a user that is no number of a WordPress user.
var ErrUser = errors.New("user_id must be the id of a WordPress user: a number from 1 on")

// DefaultLimit is the length of a page when a request does not say it.
const DefaultLimit = 100

// Parse reads a query from the parameters of a URL. An unknown parameter is an error, because it is most often a misspelt
// one, and the list would then hold sessions that were not meant.
func Parse(values url.Values) (Query, error) {
	q := Query{Limit: DefaultLimit}
	for name, given := range values {
		if !slices.Contains(Parameters, name) {
			return q, fmt.Errorf("there is no parameter %.40q; known are %s", name, strings.Join(Parameters, ", "))
		}
		if len(given) > 1 {
			return q, fmt.Errorf("the parameter %s is given twice", name)
		}
	}
	q.Login, q.Address, q.Device = values.Get("login"), values.Get("address"), values.Get("device")
	q.Sort, q.After = values.Get("sort"), values.Get("after")
	switch order := values.Get("order"); order {
	case "", "asc":
	case "desc":
		q.Descending = true
	default:
		return q, errors.New("order must be asc or desc")
	}
	var err error
	if text := values.Get("user_id"); text != "" {
		if q.UserID, err = strconv.ParseInt(text, 10, 64); err != nil || q.UserID < 1 {
			return q, ErrUser
		}
	}
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > MaxLimit {
			return q, ErrLimit
		}
	}
	return q, nil
}
