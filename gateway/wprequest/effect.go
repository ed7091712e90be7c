package wprequest

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Acts reports whether a request is sent for what it does and not for its answer: its sender may hang up at once, as
// wp_remote_post does with 'blocking' => false. A GET acts where WordPress does its work for whoever asks: wp-cron.php,
// admin-ajax.php, admin-post.php, and the callbacks of payment services (WC_API::handle_api_requests, wc-api).
func (v Classification) Acts(w Request) bool {
	if !IsSafe(w.Method) || v.Method != "" && !IsSafe(v.Method) {
		return true
	}
	file, query, _ := strings.Cut(w.Target, "?")
	if slices.Contains([]string{"wp-cron.php", "admin-ajax.php", "admin-post.php"}, phpLower(path.Base(file))) {
		return true
	}
	_, callback := ParseParams(query).Last("wc-api")
	return callback || strings.Contains(phpLower(file), "/wc-api/")
}

// Repeatable tells whether WordPress only reads for this request, also as it will
// take its method. Pages of the storefront do things for parameters, such as
// add-to-cart; style.css?ver=6.8 does not.
func (v Classification) Repeatable(w Request) bool {
	path, _, parameters := strings.Cut(w.Target, "?")
	return IsSafe(w.Method) && IsSafe(v.Method) && (v.Class.IsCoCart() || !parameters || isAsset(path))
}

var asset = regexp.MustCompile(`(?i)\.(css|m?js|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf)$`)

// isAsset goes by the name, as web servers do. What stands behind index.php is none.
func isAsset(path string) bool {
	return asset.MatchString(path) && !strings.Contains(phpLower(path), ".php")
}
