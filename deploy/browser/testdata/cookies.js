// A page of another origin asks with the shop's login cookie, which belongs to this host whatever the port; then the browser
// goes to a page of the shop, which asks as well (see shopPage in cookies_test.go).
const gateway = new URL(location).searchParams.get("gateway");
document.cookie = "wordpress_logged_in_1=bob; path=/";
const cart = gateway + "/wp-json/cocart/v2/cart";
const cookies = { mode: "no-cors", credentials: "include" };
await fetch(cart + "?from=another-origin", cookies);
await fetch(cart + "?from=another-origin-with-a-nonce&_wpnonce=1", cookies);
await fetch(cart + "/add-item?from=another-origin-posts", { ...cookies, method: "POST", body: new URLSearchParams({ id: "12" }) });
location.href = gateway + "/page-of-the-shop/?report=" + encodeURIComponent(location.origin + "/report");
