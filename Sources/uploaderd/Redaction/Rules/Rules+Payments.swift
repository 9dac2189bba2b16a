/// Money, shops and parcels.
extension RedactionRule {
    static let payments: [RedactionRule] = [
        RedactionRule(
            "stripe-key", #"\b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{16,250}"#, source: "docs.stripe.com/keys",
            examples: ["sk_live_{alnum:24}", "sk_test_{alnum:99}", "rk_live_{alnum:24}"],
            nearMisses: ["pk_live_{alnum:24}", "sk_live_{alnum:8}"]),
        RedactionRule(
            "stripe-webhook-secret", #"\bwhsec_[A-Za-z0-9+/]{32,64}={0,2}"#,
            source: "docs.stripe.com/webhooks/signature",
            examples: ["whsec_{alnum:32}"], nearMisses: ["whsec_{alnum:12}"]),
        RedactionRule(
            "square-token", #"\b(?:EAAA[A-Za-z0-9_\-]{58,62}|sq0[a-z]{3}-[A-Za-z0-9_\-]{22,43})"#,
            source: "developer.squareup.com/docs/build-basics/access-tokens",
            examples: ["EAAA{word:60}", "sq0atp-{word:22}", "sq0csp-{word:43}"], nearMisses: ["sq0atp-{word:10}"]),
        RedactionRule(
            "braintree-token", #"\baccess_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}\b"#,
            source: "developer.paypal.com/braintree/docs/guides/extend/oauth/access-tokens",
            examples: ["access_token$production${lowerdigit:16}${hex:32}"], nearMisses: ["access_token$production$x"]),
        RedactionRule(
            "shopify-token", #"\bshp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}\b"#,
            source: "shopify.dev/docs/apps/build/authentication-authorization/access-tokens",
            examples: ["shpat_{hex:32}", "shpss_{hex:32}"], nearMisses: ["shpat_{hex:20}"]),
        RedactionRule(
            "plaid-token",
            #"\baccess-(?:sandbox|development|production)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b"#,
            source: "plaid.com/docs/api/tokens", examples: ["access-production-{uuid}"], nearMisses: ["access-{uuid}"]),
        RedactionRule(
            "flutterwave-key", #"\bFLWSECK(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?\b"#,
            source: "developer.flutterwave.com/docs/authentication",
            examples: ["FLWSECK_TEST-{hex:32}-X", "FLWSECK-{hex:32}-X"],
            nearMisses: ["FLWPUBK-{hex:32}-X"]),
        RedactionRule(
            "razorpay-key", #"\brzp_(?:live|test)_[A-Za-z0-9]{14}\b"#,
            source: "razorpay.com/docs/payments/dashboard/account-settings/api-keys",
            examples: ["rzp_live_{alnum:14}"], nearMisses: ["rzp_live_{alnum:5}"]),
        RedactionRule(
            "adyen-key", #"\bAQE[A-Za-z0-9]{2,10}[A-Za-z0-9+/=\-]{90,200}"#,
            source: "docs.adyen.com/development-resources/api-credentials",
            examples: ["AQEyhmfx{alnum:60}-{alnum:43}=-{alnum:16}"],
            nearMisses: ["AQE{alnum:12}"]),
        RedactionRule(
            "duffel-token", #"\bduffel_(?:live|test)_[A-Za-z0-9_\-=]{43}"#,
            source: "duffel.com/docs/api/overview/making-requests", examples: ["duffel_live_{word:43}"],
            nearMisses: ["duffel_live_{word:9}"]),
        RedactionRule(
            "easypost-key", #"\bEZ[AT]K[A-Za-z0-9]{54}"#, source: "docs.easypost.com/docs/authentication",
            examples: ["EZAK{alnum:54}", "EZTK{alnum:54}"], nearMisses: ["EZAK{alnum:12}"]),
        RedactionRule(
            "shippo-token", #"\bshippo_(?:live|test)_[a-f0-9]{40}\b"#,
            source: "docs.goshippo.com/docs/guides_general/authentication",
            examples: ["shippo_live_{hex:40}"], nearMisses: ["shippo_live_{hex:9}"]),
        RedactionRule(
            "lob-key", #"\b(?:live|test)_[a-f0-9]{35}\b"#, source: "docs.lob.com, authentication",
            examples: ["live_{hex:35}", "test_{hex:35}"], nearMisses: ["test_{hex:12}"]),
        RedactionRule(
            "mollie-key", #"\b(?:live|test)_[A-Za-z0-9]{30}\b"#, entropy: 3.8, isMixed: true,
            source: "docs.mollie.com/reference/authentication", examples: ["live_{alnum:30}"],
            nearMisses: ["test_something_long_enough_here", "test_{alnum:12}"]),
        RedactionRule(
            "coinbase-key", #"\borganizations/[a-f0-9\-]{36}/apiKeys/([a-f0-9\-]{36})\b"#,
            source: "docs.cdp.coinbase.com/get-started/authentication",
            examples: ["organizations/{uuid}/apiKeys/{uuid}"],
            nearMisses: ["organizations/{uuid}"]),
    ]
}
