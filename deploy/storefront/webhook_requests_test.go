package storefront

import "strings"

// webhooks come from payment providers and other services. They sign the bytes of
// the body, and some the address.
func webhooks() []request {
	const stripe = "{\n  \"id\": \"evt_1\",\n\t\"object\":\"event\" , \"data\": {\"amount\":  1000,\"name\":\"J\\u00f6rg \xe2\x82\xac\"}\r\n}\n\n"
	const stripeTarget = "/?wc-api=wc_stripe&probe=report"
	signed := "Stripe-Signature: t=1492774577,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
	paypal := []string{"Paypal-Transmission-Id: 69cd13f0-d67a-11e5-baa3-778b53f4ae55", "Paypal-Transmission-Time: 2016-02-18T20:01:35Z",
		"Paypal-Transmission-Sig: lmI95Jx3Y9nhR5SJWlHVIWpg4AgFk7n9bCHSRxbrd8A9zrhdu2rMyFrmz+Zjh3s3boXB07VXCXUZy/UFzUlnGJn0wDugt7FlSvdKeIJenLRemUxYCPVoEZzg9VFNqOa48gMkvF+XTpxBeUx/kWy6B5cp7GkT2+pOowfRK7OaynuxUoKW3JcMWw272VKjLTtTAShncla7tGF+55rxyt2KNZIIqxNMJ48RDZheGU5w1npu9dZHnPgTXB9iomeVRoD8O/jhRpnKsGrDschyNdkeh81BJJMH4Ctc6lnCCquoP/GzCzz33MMsNdid7vL/NIWaCsekQpW26FpWPi/tfj8nLA==",
		"Paypal-Cert-Url: https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-7a8abba8", "Paypal-Auth-Algo: SHA256withRSA"}
	shop := []string{"X-WC-Webhook-Source: https://shop.example/", "X-WC-Webhook-Topic: order.updated", "X-WC-Webhook-Resource: order", "X-WC-Webhook-Event: updated",
		"X-WC-Webhook-Signature: a7XlfCQ1b9Q3xN2z0cVb1w==", "X-WC-Webhook-ID: 142", "X-WC-Webhook-Delivery-ID: d2"}
	return []request{
		post("webhook stripe", stripeTarget, "application/json; charset=utf-8", stripe, signed, "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
		post("webhook stripe chunked", stripeTarget, "application/json; charset=utf-8", stripe, signed).framed(chunked),
		post("webhook stripe expecting", stripeTarget, jsonType, stripe, signed).framed(expecting),
		post("webhook in pretty permalink", "/wc-api/wc_gateway_paypal/?probe=report", jsonType, stripe, signed),
		post("webhook paypal", "/?wc-api=ppec_paypal&probe=report", jsonType, `{"id":"WH-2","event_type":"PAYMENT.SALE.COMPLETED","summary":"Payment \u20ac 1"}`, paypal...),
		post("webhook paypal form", "/?wc-api=WC_Gateway_Paypal&probe=report", formType, "mc_gross=19.95&payer_id=LPLWNMTBWMFAY&payment_date=20%3A12%3A59+Jan+13%2C+2009+PST&charset=windows-1252&first_name=J%F6rg&custom=%7B%22order_id%22%3A1%7D"),
		post("webhook woocommerce", "/?wc-api=sync&probe=report", jsonType, `{"id":1,"total":"10.00"}`, shop...),
		post("webhook woocommerce gzip", "/?wc-api=sync&probe=report", jsonType, zipped(2<<20), append(shop, "Content-Encoding: gzip")...),
		post("webhook gzip chunked", "/?wc-api=sync&probe=report", jsonType, zipped(20<<10), "Content-Encoding: gzip").framed(chunked),
		post("webhook deflate", "/?wc-api=sync&probe=report", jsonType, zipped(1000), "Content-Encoding: deflate, gzip"),
		post("webhook form key", "/?wc-api=erp&probe=report", formType, "api_key=123&user_name=x", "api_key: 123", "X-API-Key: 123"),
		post("webhook dotted signature", "/?wc-api=erp&probe=report", jsonType, "{}", "X_Signature: s", "X.Sig.V2: q", "X-Signature-2: r"),
		post("webhook mollie", "/?wc-api=mollie&probe=report", formType, "id=tr_d0b0E3EA3v"),
		post("webhook klarna slash", "/wc-api/KCO_WC_Push/?klarna_order_id=a-b&probe=report", "", ""),
		post("webhook adyen", "/wp-json/adyen/v1/notification?probe=report", jsonType, `{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"x+/="}}}]}`, "Authorization: Basic YWR5ZW46cGFzc3dvcmQ="),
		post("webhook bearer", "/wp-json/erp/v1/stock?probe=report", jsonType, `{"sku":"a"}`, "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJlcnAifQ.c2lnbmF0dXJl"),
		post("webhook jetpack", "/xmlrpc.php?for=jetpack&token=abc%3A1%3A0&timestamp=1700000000&nonce=aB3&body-hash=uEUvHnW%2F&signature=Zm9v%3D&probe=report", "text/xml", "<?xml version=\"1.0\"?><methodCall><methodName>jetpack.verifyAction</methodName></methodCall>"),
		get("jetpack signed address", "/wp-json/jetpack/v4/connection?token=a&timestamp=1&nonce=b&body-hash=&signature=c&probe=report"),
		post("webhook github", "/?wc-api=deploy&probe=report", jsonType, `{"zen":"x"}`, "X-Hub-Signature-256: sha256=757107ea", "X-GitHub-Event: ping", "X-GitHub-Delivery: 1"),
		post("webhook twilio", "/?wc-api=sms&probe=report", formType+"; charset=UTF-8", "Body=Hi%21&From=%2B15550100&To=%2B15550199", "X-Twilio-Signature: 0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
		multipartPost("webhook mailgun", "/?wc-api=mail&probe=report", "timestamp=1", "token=2", "signature=3", "attachment-1;log ä.txt;text/plain=POST /wp-json/cocart/v2/login?rest_route=/cocart/v2/cart"),
		post("webhook sns", "/?wc-api=aws&probe=report", "text/plain; charset=UTF-8", `{"Type":"Notification"}`, "x-amz-sns-message-type: Notification", "x-amz-sns-topic-arn: arn:aws:sns:us-west-2:123456789012:MyTopic"),
		post("webhook soap", "/?wc-api=soap&probe=report", "text/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope/>", `SOAPAction: "http://example.org/a"`),
		post("webhook cloud events", "/?wc-api=ce&probe=report", "application/cloudevents+json", `{"specversion":"1.0"}`, "ce-id: 1", "ce-type: com.example"),
		post("webhook 2 MB", "/?wc-api=big&probe=report", jsonType, `{"image":"`+strings.Repeat("QUJD", 512<<10)+`"}`),
		post("webhook that names CoCart", "/?wc-api=log&probe=report", jsonType, `{"rest_route":"/cocart/v2/login","username":"alice","password":"x","cart_key":"2"}`),
		post("webhook form that names CoCart", "/?wc-api=log&probe=report", formType, "message=/wp-json/cocart/v2/login&username=alice&cart_key=2"),
	}
}
