package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/deploy/bench/load"
)

const (
	cart     = "/wp-json/cocart/v2/cart"
	validate = "/wp-json/cocart/jwt/validate-token"
	refresh  = "/wp-json/cocart/jwt/refresh-token"
	login    = "/wp-json/cocart/v2/login"
)

// request writes one as an app sends it.
func request(method, path, bearer string, more ...string) []byte {
	lines := []string{method + " " + path + " HTTP/1.1", "Host: shop.example", "User-Agent: shop-app/1.0", "Accept: application/json"}
	if bearer != "" {
		lines = append(lines, "Authorization: Bearer "+bearer)
	}
	if method == "POST" {
		lines = append(lines, "Content-Length: 0")
	}
	return []byte(strings.Join(append(lines, more...), "\r\n") + "\r\n\r\n")
}

// posted writes one with a JSON body, of another client each time.
func posted(path, body string) []byte {
	return []byte(strings.Join([]string{"POST " + path + " HTTP/1.1", "Host: shop.example", "User-Agent: shop-app/1.0", "Content-Type: application/json",
		"X-Forwarded-For: " + load.Address, "Content-Length: " + strconv.Itoa(len(body)), "", body}, "\r\n"))
}

func loginBody(user int) string {
	return fmt.Sprintf(`{"username":"customer%d","password":"correct horse battery"}`, user)
}

// each writes a request with each of some bearers.
func each(path string, bearers []string) [][]byte {
	var all [][]byte
	for _, b := range bearers {
		all = append(all, request("GET", path, b))
	}
	return all
}

// signed makes a token like another one, with other claims, of the benchmark's HS256 key.
func signed(token string, change func(claims map[string]any)) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%q is no token", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", err
	}
	change(claims)
	if payload, err = json.Marshal(claims); err != nil {
		return "", err
	}
	text := parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// expired are tokens whose time is over.
func expired(tokens []string) ([]string, error) {
	var all []string
	for _, t := range tokens {
		old, err := signed(t, func(c map[string]any) {
			then := time.Now().Add(-time.Hour).Unix()
			c["iat"], c["nbf"], c["exp"] = then-3600, then-3600, then
		})
		if err != nil {
			return nil, err
		}
		all = append(all, old)
	}
	return all, nil
}

// forged are tokens with a wrong signature.
func forged(tokens []string) []string {
	var all []string
	for _, t := range tokens {
		other := "A"
		if strings.HasSuffix(t[:len(t)-1], "A") {
			other = "B"
		}
		all = append(all, t[:len(t)-2]+other+t[len(t)-1:])
	}
	return all
}

// unseen are many tokens of few sessions, more than the gateway keeps verified ones.
func unseen(tokens []string, times int) ([]string, error) {
	var all []string
	for n := range times {
		for _, t := range tokens {
			other, err := signed(t, func(c map[string]any) { c["exp"] = c["exp"].(float64) - float64(n+1) })
			if err != nil {
				return nil, err
			}
			all = append(all, other)
		}
	}
	return all, nil
}
