package storefront

import "strings"

// jobs are what WordPress asks of itself.
func jobs() []request {
	return []request{
		post("cron", "/wp-cron.php?doing_wp_cron=1700000000.1234567890123456789012", formType, ""),
		get("cron by curl", "/wp-cron.php?doing_wp_cron&probe=report"),
		post("cron reported", "/wp-cron.php?doing_wp_cron=1.5&probe=report", formType, ""),
		post("action scheduler", "/wp-admin/admin-ajax.php?action=as_async_request_queue_runner&nonce=0123456789&probe=report", formType, "x=1", "User-Agent: WordPress/6.8; http://shop.example"),
		post("background process", "/wp-admin/admin-ajax.php?action=wp_1_wc_updater&nonce=0123456789", formType, ""),
		post("ajax for guests", "/wp-admin/admin-ajax.php", formType, "action=get_refreshed_fragments&security=abc", "X-Requested-With: XMLHttpRequest", "Accept: application/json, text/javascript, */*; q=0.01"),
		post("ajax of the shop", "/?wc-ajax=add_to_cart&probe=report", formType+"; charset=UTF-8", "product_id=12&quantity=1", "X-Requested-With: XMLHttpRequest"),
		get("ajax reported", "/wp-admin/admin-ajax.php?action=x&probe=report"),
		post("trackback", "/wp-trackback.php?p=1", formType, "title=a&url=http%3A%2F%2Fexample.com&excerpt=b&blog_name=c").mask(`<message>[^<]*</message>`),
		post("form sent to admin-post", "/wp-admin/admin-post.php?action=subscribe", formType, "email=a%40example.com"),
		get("heartbeat for guests", "/wp-admin/admin-ajax.php?action=heartbeat"),
	}
}

func uploads(s staff) []request {
	ids := []string{`^\d+$`, `cart-(\d+)`, `"(?:id|post|nonce|generated_slug|slug|sha)":\s*"?([^",}]+)`, `picture[^"\\ ,<]*`, `[?=/](\d+)["\\&/]`, `\d{4}-\d\d-\d\dT[\d:]+`, `\d{2}:\d{2}:\d{2}`, `"media_details":.*`, `attachment_\d+|\?p=\d+|attachment_id=\d+|media/\d+`, `"[a-z]+":"[0-9a-f]{10}"`, `[0-9a-f]{32}`}
	parts := func(extra ...string) (string, string) {
		return formOf(append(extra, "async-upload;picture ä.png;image/png="+png)...)
	}
	asyncType, async := parts("name=picture ä.png", "action=upload-attachment", "_wpnonce="+s.Media)
	mediaType, media := formOf("title=Für CoCart: ?rest_route=/cocart/v2/cart", "caption=x", "file;picture.png;image/png="+png)
	return []request{
		post("upload in wp-admin", "/wp-admin/async-upload.php", asyncType, async, cookie(s.Cookie)).mask(ids...),
		post("upload without a login", "/wp-admin/async-upload.php", asyncType, async).mask(`redirect_to=[^"&]*`),
		post("upload reported", "/wp-admin/async-upload.php?probe=report", asyncType, async, cookie(s.Cookie)),
		post("media raw", "/wp-json/wp/v2/media", "image/png", png, "Content-Disposition: attachment; filename=\"picture-größe.png\"", "Authorization: "+s.Application).mask(ids...),
		post("media multipart", "/wp-json/wp/v2/media", mediaType, media, "Authorization: "+s.Application).mask(ids...),
		post("media chunked", "/wp-json/wp/v2/media", "image/png", png, `Content-Disposition: attachment; filename="picture.png"`, "Authorization: "+s.Application).framed(chunked).mask(ids...),
		post("media without a login", "/wp-json/wp/v2/media", "image/png", png, `Content-Disposition: attachment; filename="picture.png"`),
		post("import of 4 MB", "/wp-admin/admin.php?import=wordpress&probe=report", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"import\"; filename=\"a.xml\"\r\nContent-Type: text/xml\r\n\r\n"+strings.Repeat("<item>rest_route=/cocart</item>\n", 128<<10)+"\r\n--b--\r\n", cookie(s.Cookie)),
	}
}

// administration is what wp-admin and wp-login.php send.
func administration(s staff) []request {
	own := cookie(s.Cookie)
	nonces := []string{`expires=[^;|]*`, `data-pw="([^"]*)"`, `[0-9a-f]{10}`, `\d{10,}`, `[A-Za-z0-9]{43}`, `"server_time":\d+`, `\d+(?:[.,]\d+)? (?:MB|seconds)`}
	login := func(name, form string, head ...string) request {
		return post(name, "/wp-login.php", formType, form, append([]string{cookie("wordpress_test_cookie=WP%20Cookie%20check")}, head...)...).
			mask(`wordpress_[^;| ]*(?:; |$| )`, `expires=[^;|]*`, `Max-Age=[0-9]+`, `[0-9a-f]{10}`)
	}
	return []request{
		get("login page", "/wp-login.php").mask(nonces...),
		get("login page with a destination", "/wp-login.php?redirect_to=http%3A%2F%2Fshop.example%2Fwp-admin%2F&reauth=1").mask(nonces...).mask(`expires=[^;|]*`),
		login("login wrong password", "log=alice&pwd=wrong&wp-submit=Log+In&testcookie=1"),
		login("login unknown name", "log=nosuchuser&pwd=wrong&testcookie=1"),
		login("login empty", "log=&pwd=&testcookie=1"),
		login("login right password", "log=alice&pwd=wonderland-1&rememberme=forever&redirect_to=http%3A%2F%2Fshop.example%2Fwp-admin%2F&testcookie=1"),
		login("login reported", "log=alice&pwd=wonderland-1").named("login form reported"),
		get("interim login", "/wp-login.php?interim-login=1").mask(nonces...),
		post("lost password", "/wp-login.php?action=lostpassword", formType, "user_login=nosuchuser").mask(nonces...),
		get("logout without nonce", "/wp-login.php?action=logout", own).mask(nonces...),
		get("admin without a login", "/wp-admin/"),
		get("admin profile", "/wp-admin/profile.php", own).mask(nonces...),
		get("admin plugins", "/wp-admin/plugins.php", own).mask(nonces...),
		get("admin users list", "/wp-admin/users.php?s=ali&role=customer&paged=1", own).mask(nonces...),
		get("admin reported", "/wp-admin/index.php?probe=report", own),
		post("heartbeat", "/wp-admin/admin-ajax.php", formType, "interval=60&_nonce="+s.Heartbeat+"&action=heartbeat&screen_id=dashboard&has_focus=true", own, "X-Requested-With: XMLHttpRequest").mask(nonces...),
		post("heartbeat bad nonce", "/wp-admin/admin-ajax.php", formType, "_nonce=0123456789&action=heartbeat", own).mask(nonces...),
		post("save options", "/wp-admin/options.php", formType, "option_page=general&action=update&_wpnonce="+s.Options+"&_wp_http_referer=%2Fwp-admin%2Foptions-general.php&blogdescription=Just+%26+right&date_format=Y-m-d&time_format=H%3Ai&timezone_string=UTC", own).mask(nonces...),
		post("save options bad nonce", "/wp-admin/options.php", formType, "option_page=general&action=update&_wpnonce=0123456789&blogdescription=x", own).mask(nonces...),
		get("ajax with nonce in the query", "/wp-admin/admin-ajax.php?action=heartbeat&_nonce="+s.Heartbeat+"&probe=report", own),
		get("editor loads by nonce", "/wp-json/wp/v2/users/me?context=edit", own, "X-WP-Nonce: "+s.Nonce).mask(`expires=[^;|]*`),
		get("editor loads by _wpnonce", "/wp-json/wp/v2/users/me?_wpnonce="+s.Nonce, own),
		get("editor bad nonce", "/wp-json/wp/v2/users/me", own, "X-WP-Nonce: 0123456789"),
		get("editor without nonce", "/wp-json/wp/v2/users/me", own),
		post("editor saves", "/wp-json/wp/v2/settings?_locale=user", jsonType, `{"description":"Just \u201eright\u201c"}`, own, "X-WP-Nonce: "+s.Nonce),
		post("editor saves by method override", "/wp-json/wp/v2/settings", jsonType, `{"description":"again"}`, own, "X-WP-Nonce: "+s.Nonce, "X-HTTP-Method-Override: PUT"),
		post("editor batch", "/wp-json/batch/v1", jsonType, `{"requests":[{"path":"/wp/v2/posts","method":"POST","body":{}}]}`, own, "X-WP-Nonce: "+s.Nonce),
		get("site health authorization", "/wp-json/wp-site-health/v1/tests/authorization-header", own, "X-WP-Nonce: "+s.Nonce, "Authorization: Basic dXNlcjpwd2Q="),
		get("site health directories", "/wp-json/wp-site-health/v1/directory-sizes", own, "X-WP-Nonce: "+s.Nonce).mask(`"(?:size|raw|debug)":"?[^,}]*`),
		post("xmlrpc hello", "/xmlrpc.php", "text/xml", "<?xml version=\"1.0\"?><methodCall><methodName>demo.sayHello</methodName><params></params></methodCall>"),
		post("xmlrpc methods", "/xmlrpc.php", "text/xml; charset=utf-8", "<?xml version=\"1.0\"?><methodCall><methodName>system.listMethods</methodName></methodCall>"),
		post("xmlrpc wrong password", "/xmlrpc.php", "text/xml", "<?xml version=\"1.0\"?><methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value>nosuchuser</value></param><param><value>x</value></param></params></methodCall>"),
		post("xmlrpc broken", "/xmlrpc.php", "text/xml", "<methodCall><methodName>"),
		get("xmlrpc by GET", "/xmlrpc.php"),
		get("rsd", "/xmlrpc.php?rsd"),
	}
}

func restAPI(s staff) []request {
	application := "Authorization: " + s.Application
	return []request{
		get("rest index", "/wp-json/"),
		get("rest index without slash", "/wp-json"),
		get("rest index in the query", "/?rest_route=/"),
		get("rest index behind index.php", "/index.php/wp-json/"),
		get("rest index by HEAD", "/wp-json/").by("HEAD"),
		get("rest options", "/wp-json/wp/v2/posts", "Origin: https://app.example.com").by("OPTIONS"),
		get("rest preflight", "/wp-json/wp/v2/posts", "Origin: https://app.example.com", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type,x-custom").by("OPTIONS"),
		get("rest list", "/wp-json/wp/v2/posts?per_page=1&_fields=id,title&orderby=date&categories[]=1&categories[]=2"),
		get("rest envelope", "/wp-json/wp/v2/types?_envelope"),
		get("rest jsonp", "/wp-json/wp/v2/types/post?_jsonp=callback"),
		get("rest no route", "/wp-json/nothing/v1/here"),
		get("rest needs login", "/wp-json/wp/v2/users/me"),
		get("rest application password", "/wp-json/wp/v2/users/me?context=edit", application),
		get("rest application password reported", "/wp-json/wp/v2/users/me?probe=report", application),
		get("rest wrong application password", "/wp-json/wp/v2/users/me", "Authorization: Basic YWRtaW46eHh4eCB4eHh4"),
		post("rest create", "/wp-json/wp/v2/posts", jsonType, `{"title":"T","status":"draft","content":"<p>rest_route=/cocart/v2/cart</p>"}`, application).
			mask(`"(?:id|slug|date|date_gmt|modified|modified_gmt)":"?([^",}]*)`, `[?=/](\d+)["\\&/]`, `posts/(\d+)`, `p=\d+`),
		post("rest broken JSON", "/wp-json/wp/v2/posts", jsonType, `{"title":`, application),
		get("rest language prefix", "/en/wp-json/wp/v2/types/post"),
		get("rest language prefix in the query", "/en/?rest_route=/wp/v2/types/post"),
		get("rest encoded route", "/wp-json/wp%2Fv2%2Ftypes"),
		get("rest in capitals", "/WP-JSON/wp/v2/types/post"),
		get("rest oembed", "/wp-json/oembed/1.0/embed?url=http%3A%2F%2Fshop.example%2F%3Fp%3D1").mask(`secret[=":\\]+([A-Za-z0-9]{10})`),
		get("store api cart", "/wp-json/wc/store/v1/cart", "Nonce: abc", "Cart-Token: eyJ.eyJ.x").
			mask(`^eyJ[\w-]+\.([\w.-]+)$`), // each guest has a token of their own
		get("rest consumer key", "/wp-json/wc/v3/orders?consumer_key=ck_1&consumer_secret=cs_1&probe=report"),
		get("rest oauth 1", "/wp-json/wc/v3/orders?probe=report", `Authorization: OAuth oauth_consumer_key="ck_1", oauth_signature="x%3D"`),
		get("rest name that begins like CoCart", "/wp-json/cocarts/v1/x"),
	}
}
