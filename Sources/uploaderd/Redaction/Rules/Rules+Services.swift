/// Services of every other kind, whose tokens say whose they are.
extension RedactionRule {
    static let services: [RedactionRule] = [
        RedactionRule(
            "notion-token", #"\b(?:ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})\b"#,
            source: "developers.notion.com/docs/authorization", examples: ["ntn_{alnum:46}", "secret_{alnum:43}"],
            nearMisses: ["secret_{alnum:12}", "ntn_x"]),
        RedactionRule(
            "airtable-token", #"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"#,
            source: "airtable.com/developers/web/guides/personal-access-tokens",
            examples: ["pat{alnum:14}.{hex:64}"], nearMisses: ["pat{alnum:14}"]),
        RedactionRule(
            "asana-token", #"\b[012]/\d{13,17}(?:/\d{13,17})?:[a-f0-9]{32}\b"#,
            source: "developers.asana.com/docs/personal-access-token",
            examples: ["1/{digit:16}:{hex:32}", "2/{digit:16}/{digit:16}:{hex:32}"], nearMisses: ["1/{digit:16}"]),
        RedactionRule(
            "figma-token", #"\bfig[duo][ra]?_[A-Za-z0-9_\-]{40,60}"#,
            source: "developers.figma.com/docs/rest-api/authentication",
            examples: ["figd_{word:40}", "figu_{word:44}"], nearMisses: ["figd_{word:9}"]),
        RedactionRule(
            "hubspot-token", #"\bpat-(?:na|eu|ap)\d-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b"#,
            source: "developers.hubspot.com/docs/guides/apps/private-apps/overview", examples: ["pat-na1-{uuid}"],
            nearMisses: ["pat-na1-x"]),
        RedactionRule(
            "salesforce-token", #"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{80,130}"#,
            source: "help.salesforce.com, session id and access token",
            examples: ["00D{alnum:15}!{alnum:96}"], nearMisses: ["00D{alnum:15}"]),
        RedactionRule(
            "contentful-token", #"\bCFPAT-[A-Za-z0-9_\-]{43}"#,
            source: "contentful.com/developers/docs/references/authentication",
            examples: ["CFPAT-{word:43}"], nearMisses: ["CFPAT-{word:9}"]),
        RedactionRule(
            "dropbox-token", #"\bsl\.(?:u\.)?[A-Za-z0-9_\-]{120,1200}"#, source: "developers.dropbox.com/oauth-guide",
            examples: ["sl.{word:140}", "sl.u.{word:600}"], nearMisses: ["sl.{word:40}"]),
        RedactionRule(
            "facebook-token", #"\bEAA[A-Z][A-Za-z0-9]{80,400}\b"#,
            source: "developers.facebook.com/docs/facebook-login/guides/access-tokens",
            examples: ["EAAC{alnum:160}"], nearMisses: ["EAAC{alnum:20}"]),
        RedactionRule(
            "instagram-token", #"\bIG(?:QV|QW|AA)[A-Za-z0-9_\-]{100,300}"#,
            source: "developers.facebook.com/docs/instagram-platform",
            examples: ["IGQV{alnum:160}"], nearMisses: ["IGQV{alnum:20}"]),
        RedactionRule(
            "twitter-bearer", #"\bA{20,24}[A-Za-z0-9%]{60,120}"#, entropy: 3.5,
            source: "developer.x.com/en/docs/authentication/oauth-2-0/bearer-tokens",
            examples: ["AAAAAAAAAAAAAAAAAAAAAM{alnum:30}%3D{alnum:50}"], nearMisses: ["AAAAAAAAAAAAAAAAAAAAAM"]),
        RedactionRule(
            "mapbox-token", #"\bsk\.eyJ[A-Za-z0-9_\-]{50,200}\.[A-Za-z0-9_\-]{22}"#,
            source: "docs.mapbox.com/help/glossary/access-token",
            examples: ["sk.eyJ{word:80}.{word:22}"], nearMisses: ["sk.eyJ{word:9}"]),
        RedactionRule(
            "clickup-token", #"\bpk_\d{5,9}_[A-Z0-9]{32}\b"#, source: "developer.clickup.com/docs/authentication",
            examples: ["pk_{digit:8}_{upperdigit:32}"], nearMisses: ["pk_{digit:8}"]),
        RedactionRule(
            "typeform-token", #"\btfp_[A-Za-z0-9_\-.]{40,64}"#,
            source: "typeform.com/developers/get-started/personal-access-token",
            examples: ["tfp_{word:44}_{word:14}"], nearMisses: ["tfp_{word:9}"]),
        RedactionRule(
            "maxmind-key", #"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b"#,
            source: "dev.maxmind.com/release-note/changes-to-license-keys",
            examples: ["{alnum:6}_{alnum:29}_mmk"], nearMisses: ["{alnum:6}_mmk"]),
        RedactionRule(
            "wakatime-key", #"\bwaka_[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b"#,
            source: "wakatime.com/developers, authentication",
            examples: ["waka_{uuid}"], nearMisses: ["waka_x"]),
        RedactionRule(
            "readme-key", #"\brdme_[a-z0-9]{70}\b"#, source: "docs.readme.com/main/reference/intro/authentication",
            examples: ["rdme_{lowerdigit:70}"], nearMisses: ["rdme_{lowerdigit:9}"]),
        RedactionRule(
            "frameio-token", #"\bfio-u-[A-Za-z0-9\-_=]{64}"#,
            source: "developer.frame.io/docs/getting-started/authentication",
            examples: ["fio-u-{word:64}"], nearMisses: ["fio-u-{word:9}"]),
        RedactionRule(
            "scalingo-token", #"\btk-us-[A-Za-z0-9_\-]{48}"#, source: "developers.scalingo.com/index#authentication",
            examples: ["tk-us-{word:48}"], nearMisses: ["tk-us-{word:9}"]),
        RedactionRule(
            "stytch-secret", #"\bsecret-(?:live|test)-[A-Za-z0-9_\-=]{36}"#,
            source: "stytch.com/docs/api/authentication",
            examples: ["secret-live-{word:36}"], nearMisses: ["secret-live-x"]),
        RedactionRule(
            "svix-secret", #"\b(?:whsec|testsk)_[A-Za-z0-9]{24,48}\b"#,
            source: "docs.svix.com/receiving/verifying-payloads/how-manual",
            examples: ["whsec_{alnum:32}", "testsk_{alnum:32}"], nearMisses: ["testsk_x"]),
        RedactionRule(
            "workos-key", #"\bsk_(?:live|test)?_?[a-z0-9]{0,8}[A-Za-z0-9]{60,100}\b"#,
            source: "workos.com/docs/reference/authentication",
            examples: ["sk_test_{alnum:80}", "sk_{alnum:72}"], nearMisses: ["sk_{alnum:12}"]),
        RedactionRule(
            "okta-ssws", #"\bSSWS[ \t]{1,3}(00[A-Za-z0-9_\-]{38,42})"#,
            source: "developer.okta.com/docs/reference/core-okta-api, authentication",
            examples: ["Authorization: SSWS 00{word:40}"], nearMisses: ["SSWS token"]),
        RedactionRule(
            "adafruit-key", #"\baio_[A-Za-z]{4}[A-Za-z0-9]{24}\b"#, source: "io.adafruit.com/api/docs, authentication",
            examples: ["aio_{alpha:4}{alnum:24}"], nearMisses: ["aio_x"]),
        RedactionRule(
            "apify-token", #"\bapify_api_[A-Za-z0-9]{30,40}\b"#, source: "docs.apify.com/platform/integrations/api",
            examples: ["apify_api_{alnum:36}"], nearMisses: ["apify_api_x"]),
        RedactionRule(
            "close-key", #"\bapi_[A-Za-z0-9]{21,22}\.[A-Za-z0-9]{21,22}\b"#,
            source: "developer.close.com/topics/authentication",
            examples: ["api_{alnum:22}.{alnum:22}"], nearMisses: ["api_{alnum:22}"]),
        RedactionRule(
            "pagerduty-key", #"\b(u\+[A-Za-z0-9_\-]{18})(?:[^\w\-]|$)"#, isMixed: true,
            source: "developer.pagerduty.com/docs/authentication",
            examples: ["Token token=u+{alnum:8}7{alnum:9}"], nearMisses: ["u+{alnum:5}"]),
        RedactionRule(
            "sanity-token", #"\bsk[A-Za-z0-9]{140,200}\b"#,
            source: "sanity.io/docs/content-lake/http-auth",
            examples: ["sk{alnum:178}"], nearMisses: ["sk{alnum:40}"]),
        RedactionRule(
            "knock-key", #"\bsk_(?:live|test)_[A-Za-z0-9_\-]{43}"#, source: "docs.knock.app/developer-tools/api-keys",
            examples: ["sk_test_{word:43}"], nearMisses: ["pk_test_{word:43}"]),
    ]
}
