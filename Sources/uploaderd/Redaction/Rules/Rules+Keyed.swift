/// Secrets without a form of their own (hexadecimal digits, UUIDs): known by the name that they are assigned to.
extension RedactionRule {
    /// What such a secret consists of.
    private struct Form {
        let expression: String
        /// As in `examples`.
        let sample: String

        init(_ expression: String, _ sample: String) {
            self.expression = expression
            self.sample = sample
        }

        static let uuid = Form("[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}", "{uuid}")

        static func hex(_ count: Int) -> Form { Form("[a-f0-9]{\(count)}", "{hex:\(count)}") }
        static func alnum(_ count: Int) -> Form { Form("[A-Za-z0-9]{\(count)}", "{alnum:\(count)}") }
        static func word(_ count: Int) -> Form { Form(#"[A-Za-z0-9_\-]{"# + "\(count)}", "{word:\(count)}") }
        static func lowerdigit(_ count: Int) -> Form { Form("[a-z0-9]{\(count)}", "{lowerdigit:\(count)}") }
        static func upperdigit(_ count: Int) -> Form { Form("[A-Z0-9]{\(count)}", "{upperdigit:\(count)}") }
    }

    /// A provider; the words that the name has in it, an alternation; the form; the name as people write it; the source.
    private typealias Keyed = (provider: String, words: String, form: Form, name: String, source: String)

    static let keyed: [RedactionRule] = providers.map { row in
        let sample = row.form.sample
        return RedactionRule(
            "\(row.provider)-key", assigned(to: row.words, row.form.expression), trigger: assignment(to: row.words),
            entropy: 2.8, source: row.source,
            examples: [
                "\(row.name)=\(sample)", "export \(row.name)=\"\(sample)\"", "\"\(row.name)\": \"\(sample)\"",
                "\(row.name)            = \"\(sample)\"", "\(row.name):\t\t    \(sample)",
            ],
            nearMisses: [sample, "\(row.name)=$\(row.name)", "\(row.name) is the name of it"])
    }

    private static let providers: [Keyed] = [
        ("cohere", "cohere|co_api", .alnum(40), "COHERE_API_KEY", "docs.cohere.com/reference/about"),
        ("mistral", "mistral", .alnum(32), "MISTRAL_API_KEY", "docs.mistral.ai/getting-started/quickstart"),
        ("wandb", "wandb", .hex(40), "WANDB_API_KEY", "docs.wandb.ai/guides/track/environment-variables"),
        ("assemblyai", "assemblyai", .hex(32), "ASSEMBLYAI_API_KEY", "assemblyai.com/docs/api-reference/overview"),
        (
            "deepgram", "deepgram", .hex(40), "DEEPGRAM_API_KEY",
            "developers.deepgram.com/docs/create-additional-api-keys"
        ),
        (
            "azure-openai", "azure.{0,3}(?:openai|api|cognitive)", .hex(32), "AZURE_OPENAI_API_KEY",
            "learn.microsoft.com/azure/ai-services/authentication"
        ),
        (
            "cloudflare", "cloudflare|cf_api", Form(#"[A-Za-z0-9_\-]{37,40}"#, "{word:40}"), "CLOUDFLARE_API_TOKEN",
            "developers.cloudflare.com/fundamentals/api/get-started/create-token"
        ),
        ("fastly", "fastly", .word(32), "FASTLY_API_TOKEN", "docs.fastly.com/en/guides/using-api-tokens"),
        ("heroku-legacy", "heroku", .uuid, "HEROKU_API_KEY", "devcenter.heroku.com/articles/authentication"),
        ("hetzner", "hcloud|hetzner", .alnum(64), "HCLOUD_TOKEN", "docs.hetzner.cloud, authentication"),
        ("linode", "linode", .hex(64), "LINODE_TOKEN", "techdocs.akamai.com/linode-api/reference/get-started"),
        ("vultr", "vultr", .upperdigit(36), "VULTR_API_KEY", "docs.vultr.com/platform/other/api"),
        ("vercel", "vercel", .alnum(24), "VERCEL_TOKEN", "vercel.com/docs/rest-api, authentication"),
        ("railway", "railway", .uuid, "RAILWAY_TOKEN", "docs.railway.com/reference/public-api"),
        ("scaleway", "scw", .uuid, "SCW_SECRET_KEY", "scaleway.com/en/docs/iam/how-to/create-api-keys"),
        (
            "ibm-cloud", "ibmcloud|ibm_cloud|bluemix", .word(44), "IBMCLOUD_API_KEY",
            "cloud.ibm.com/docs/account, managing user API keys"
        ),
        (
            "ngrok", "ngrok", Form("[A-Za-z0-9]{20,32}_[A-Za-z0-9]{15,24}", "{alnum:27}_{alnum:20}"), "NGROK_AUTHTOKEN",
            "ngrok.com/docs/agent, authtokens"
        ),
        (
            "datadog", #"datadog|dd[_\-](?:api|app)"#, Form("[a-f0-9]{32}(?:[a-f0-9]{8})?", "{hex:32}"), "DD_API_KEY",
            "docs.datadoghq.com/account_management/api-app-keys"
        ),
        (
            "opsgenie", "opsgenie|geniekey", .uuid, "OPSGENIE_API_KEY",
            "support.atlassian.com/opsgenie/docs/api-key-management"
        ),
        ("splunk", "splunk|hec_token", .uuid, "SPLUNK_HEC_TOKEN", "docs.splunk.com, HTTP event collector tokens"),
        ("rollbar", "rollbar", .hex(32), "ROLLBAR_ACCESS_TOKEN", "docs.rollbar.com/docs/access-tokens"),
        ("sumologic", "sumo", .alnum(64), "SUMOLOGIC_ACCESSKEY", "help.sumologic.com/docs/manage/security/access-keys"),
        (
            "confluent", "confluent|kafka", Form("[A-Za-z0-9+/]{64}", "{alnum:64}"), "CONFLUENT_API_SECRET",
            "docs.confluent.io/cloud/current/security/authenticate/workload-identities/service-accounts/api-keys"
        ),
        ("snyk", "snyk", .uuid, "SNYK_TOKEN", "docs.snyk.io/snyk-api/authentication-for-api"),
        (
            "travis", "travis", Form(#"[A-Za-z0-9_\-]{22}"#, "{alnum:22}"), "TRAVIS_TOKEN",
            "docs.travis-ci.com/user/triggering-builds"
        ),
        ("gitea", "gitea|forgejo|codeberg", .hex(40), "GITEA_TOKEN", "docs.gitea.com/development/api-usage"),
        (
            "codacy", "codacy", Form("[A-Za-z0-9]{20,32}", "{alnum:20}"), "CODACY_API_TOKEN",
            "docs.codacy.com/codacy-api/api-tokens"
        ),
        ("twilio-auth", "twilio", .hex(32), "TWILIO_AUTH_TOKEN", "twilio.com/docs/iam/access-tokens, auth tokens"),
        ("postmark", "postmark", .uuid, "POSTMARK_SERVER_TOKEN", "postmarkapp.com/developer/api/overview"),
        (
            "mandrill", "mandrill", Form(#"(?:md-)?[A-Za-z0-9_\-]{22}"#, "{alnum:22}"), "MANDRILL_API_KEY",
            "mailchimp.com/developer/transactional/guides/quick-start"
        ),
        (
            "mailgun-sending", "mailgun", Form("[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}", "{hex:32}-{hex:8}-{hex:8}"),
            "MAILGUN_API_KEY", "documentation.mailgun.com/docs/mailgun/api-reference/authentication"
        ),
        (
            "ghost-admin", "ghost", Form("[a-f0-9]{24}:[a-f0-9]{64}", "{hex:24}:{hex:64}"), "GHOST_ADMIN_API_KEY",
            "ghost.org/docs/admin-api, token authentication"
        ),
        ("pushover", "pushover", .lowerdigit(30), "PUSHOVER_TOKEN", "pushover.net/api"),
        (
            "mattermost", "mattermost", .lowerdigit(26), "MATTERMOST_TOKEN",
            "developers.mattermost.com/integrate/reference/personal-access-token"
        ),
        (
            "vonage", "vonage|nexmo", .alnum(16), "VONAGE_API_SECRET",
            "developer.vonage.com/en/getting-started/concepts/authentication"
        ),
        (
            "intercom", "intercom", Form("[A-Za-z0-9=_]{60}", "{alnum:60}"), "INTERCOM_TOKEN",
            "developers.intercom.com/docs/build-an-integration/learn-more/authentication"
        ),
        (
            "zendesk", "zendesk", .alnum(40), "ZENDESK_API_TOKEN",
            "developer.zendesk.com/api-reference/introduction/security-and-auth"
        ),
        ("algolia", "algolia", .hex(32), "ALGOLIA_ADMIN_KEY", "algolia.com/doc/guides/security/api-keys"),
        (
            "okta", "okta", Form(#"00[A-Za-z0-9_\-]{40}"#, "00{alnum:40}"), "OKTA_API_TOKEN",
            "developer.okta.com/docs/guides/create-an-api-token"
        ),
        (
            "auth0", "auth0", Form(#"[A-Za-z0-9_\-]{64}"#, "{alnum:64}"), "AUTH0_CLIENT_SECRET",
            "auth0.com/docs/get-started/applications/confidential-and-public-applications"
        ),
        (
            "spotify", "spotify", .hex(32), "SPOTIFY_CLIENT_SECRET",
            "developer.spotify.com/documentation/web-api/concepts/apps"
        ),
        ("twitch", "twitch", .lowerdigit(30), "TWITCH_CLIENT_SECRET", "dev.twitch.tv/docs/authentication"),
        (
            "linkedin", "linkedin", .alnum(16), "LINKEDIN_CLIENT_SECRET",
            "learn.microsoft.com/linkedin/shared/authentication"
        ),
        (
            "twitter", "twitter", Form("[A-Za-z0-9]{35,50}", "{alnum:50}"), "TWITTER_API_SECRET",
            "developer.x.com/en/docs/authentication/oauth-1-0a/api-key-and-secret"
        ),
        ("todoist", "todoist", .hex(40), "TODOIST_API_TOKEN", "developer.todoist.com/rest/v2, authorization"),
        ("openweather", "openweather|owm", .hex(32), "OPENWEATHER_API_KEY", "openweathermap.org/appid"),
        (
            "infura", "infura|alchemy|etherscan", Form(#"[A-Za-z0-9_\-]{32,34}"#, "{hex:32}"), "INFURA_API_KEY",
            "docs.metamask.io/developer-tools/dashboard/get-started/create-api"
        ),
        (
            "kraken", "kraken", Form("[A-Za-z0-9/+=]{80,90}", "{base64:86}=="), "KRAKEN_PRIVATE_KEY",
            "docs.kraken.com/api/docs/guides/spot-rest-auth"
        ),
        (
            "binance", "binance", .alnum(64), "BINANCE_SECRET_KEY",
            "developers.binance.com/docs/binance-spot-api-docs, request security"
        ),
        (
            "godaddy", "godaddy", Form("[A-Za-z0-9_]{20,40}", "{alnum:37}"), "GODADDY_API_KEY",
            "developer.godaddy.com/getstarted"
        ),
        ("segment", "segment", .alnum(32), "SEGMENT_WRITE_KEY", "segment.com/docs/connections/find-writekey"),
        (
            "mixpanel", "mixpanel|amplitude", .hex(32), "MIXPANEL_SECRET",
            "developer.mixpanel.com/reference/project-secret"
        ),
    ]
}
