package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// answerLogins plays a WordPress for which every password is right. It is for the rate of logins, so it costs little: it
// reads no more of a request than the assertion, and signs two replies (deploy/wordpress/PROTOCOL.md). Other requests get
// the cart of a guest.
func answerLogins(address string) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serveLogins(c)
	}
}

// startWordPress runs this program as that WordPress.
func (p *programs) startWordPress(ctx context.Context) (program, error) {
	self, err := os.Executable()
	if err != nil {
		return program{}, err
	}
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	return p.launch(ctx, "wordpress", address, self, "wordpress", address)
}

func serveLogins(c net.Conn) {
	defer func() { _ = c.Close() }() // the gateway asks again elsewhere
	in := bufio.NewReaderSize(c, 32<<10)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body := make([]byte, max(0, request.ContentLength))
		if _, err := readFull(in, body); err != nil {
			return
		}
		if _, err := c.Write(wordpressAnswer(request)); err != nil {
			return
		}
	}
}

func readFull(in *bufio.Reader, body []byte) (int, error) {
	n := 0
	for n < len(body) {
		more, err := in.Read(body[n:])
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}

func wordpressAnswer(r *http.Request) []byte {
	assertion := r.Header.Get("X-Cocart-Gateway")
	username, _, _ := r.BasicAuth()
	var out bytes.Buffer
	body := `{"cart_key":"t_0123456789abcdef0123456789abcd","items":[]}`
	reply := ""
	if user, err := strconv.Atoi(username[min(len(username), len("customer")):]); err == nil && user > 0 {
		body = fmt.Sprintf(`{"user_id":"%d","display_name":"%s","role":"Customer","extras":[]}`, user, username)
		reply = "X-CoCart-Gateway-Login: " + signedReply(assertion, "cocart-login+jwt", map[string]any{"sub": strconv.Itoa(user), "login": username,
			"fp": "0123456789abcdef0123456789abcdef", "claims": map[string]any{}}) + "\r\n" +
			"X-CoCart-Gateway-Attempt: " + signedReply(assertion, "cocart-attempt+jwt", map[string]any{"sub": strconv.Itoa(user), "result": "accepted",
			"checks": []any{map[string]any{"sub": strconv.Itoa(user), "result": "accepted", "n": 1}}}) + "\r\n"
	}
	fmt.Fprintf(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nX-CoCart-Gateway-Plugin: bench\r\n%sContent-Length: %d\r\n\r\n%s",
		reply, len(body), body)
	return out.Bytes()
}

var (
	replyKey = mac([]byte(sharedSecret), "cocart-gateway reply v1")
	encoded  = base64.RawURLEncoding.EncodeToString
	replyKID = hex.EncodeToString(mac([]byte(sharedSecret), "cocart-gateway kid v1")[:4])
)

// signedReply is a statement of WordPress that answers an assertion.
func signedReply(assertion, typ string, claims map[string]any) string {
	now, asked := time.Now().Unix(), sha256.Sum256([]byte(assertion))
	claims["iss"], claims["aud"], claims["iat"], claims["exp"] = "cocart-wordpress", "shop.example", now, now+60
	claims["req"] = encoded(asked[:])
	payload, err := json.Marshal(claims)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return ""
	}
	text := encoded([]byte(`{"alg":"HS256","kid":"`+replyKID+`","typ":"`+typ+`"}`)) + "." + encoded(payload)
	return text + "." + encoded(mac(replyKey, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
