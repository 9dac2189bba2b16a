/// Secrets without a form of their own (hexadecimal digits, UUIDs): known by the name that they are assigned to.
extension RedactionRule {
    /// - Parameters:
    ///   - words: an alternation that the name has in it.
    ///   - form: of the secret.
    ///   - name: as people write it.
    ///   - sample: see `examples`.
    private static func keyed(
        _ provider: String, _ words: String, _ form: String, as name: String, sample: String, source: String
    ) -> RedactionRule {
        RedactionRule(
            "\(provider)-key", assigned(to: words, form), entropy: 2.8, source: source,
            examples: ["\(name)=\(sample)", "export \(name)=\"\(sample)\"", "\"\(name)\": \"\(sample)\""],
            nearMisses: [sample, "\(name)=$\(name)", "\(name) is the name of it"])
    }

    private static let hex32 = "[a-f0-9]{32}"
    private static let hex40 = "[a-f0-9]{40}"
    private static let uuid = "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"

    static let keyed: [RedactionRule] = [
        keyed(
            "cohere", "cohere|co_api", "[A-Za-z0-9]{40}", as: "COHERE_API_KEY", sample: "{alnum:40}",
            source: "docs.cohere.com/reference/about"),
        keyed(
            "mistral", "mistral", "[A-Za-z0-9]{32}", as: "MISTRAL_API_KEY", sample: "{alnum:32}",
            source: "docs.mistral.ai/getting-started/quickstart"),
        keyed(
            "wandb", "wandb", hex40, as: "WANDB_API_KEY", sample: "{hex:40}",
            source: "docs.wandb.ai/guides/track/environment-variables"),
        keyed(
            "assemblyai", "assemblyai", hex32, as: "ASSEMBLYAI_API_KEY", sample: "{hex:32}",
            source: "assemblyai.com/docs/api-reference/overview"),
        keyed(
            "deepgram", "deepgram", hex40, as: "DEEPGRAM_API_KEY", sample: "{hex:40}",
            source: "developers.deepgram.com/docs/create-additional-api-keys"),
        keyed(
            "azure-openai", "azure.{0,3}(?:openai|api|cognitive)", hex32, as: "AZURE_OPENAI_API_KEY",
            sample: "{hex:32}", source: "learn.microsoft.com/azure/ai-services/authentication"),
        keyed(
            "cloudflare", "cloudflare|cf_api", "[A-Za-z0-9_\\-]{37,40}", as: "CLOUDFLARE_API_TOKEN",
            sample: "{word:40}", source: "developers.cloudflare.com/fundamentals/api/get-started/create-token"),
        keyed(
            "fastly", "fastly", "[A-Za-z0-9_\\-]{32}", as: "FASTLY_API_TOKEN", sample: "{word:32}",
            source: "docs.fastly.com/en/guides/using-api-tokens"),
        keyed(
            "heroku-legacy", "heroku", uuid, as: "HEROKU_API_KEY", sample: "{uuid}",
            source: "devcenter.heroku.com/articles/authentication"),
        keyed(
            "hetzner", "hcloud|hetzner", "[A-Za-z0-9]{64}", as: "HCLOUD_TOKEN", sample: "{alnum:64}",
            source: "docs.hetzner.cloud, authentication"),
        keyed(
            "linode", "linode", "[a-f0-9]{64}", as: "LINODE_TOKEN", sample: "{hex:64}",
            source: "techdocs.akamai.com/linode-api/reference/get-started"),
        keyed(
            "vultr", "vultr", "[A-Z0-9]{36}", as: "VULTR_API_KEY", sample: "{upperdigit:36}",
            source: "docs.vultr.com/platform/other/api"),
        keyed(
            "vercel", "vercel", "[A-Za-z0-9]{24}", as: "VERCEL_TOKEN", sample: "{alnum:24}",
            source: "vercel.com/docs/rest-api, authentication"),
        keyed(
            "railway", "railway", uuid, as: "RAILWAY_TOKEN", sample: "{uuid}",
            source: "docs.railway.com/reference/public-api"),
        keyed(
            "scaleway", "scw", uuid, as: "SCW_SECRET_KEY", sample: "{uuid}",
            source: "scaleway.com/en/docs/iam/how-to/create-api-keys"),
        keyed(
            "ibm-cloud", "ibmcloud|ibm_cloud|bluemix", "[A-Za-z0-9_\\-]{44}", as: "IBMCLOUD_API_KEY",
            sample: "{word:44}", source: "cloud.ibm.com/docs/account, managing user API keys"),
        keyed(
            "ngrok", "ngrok", "[A-Za-z0-9]{20,32}_[A-Za-z0-9]{15,24}", as: "NGROK_AUTHTOKEN",
            sample: "{alnum:27}_{alnum:20}", source: "ngrok.com/docs/agent, authtokens"),
        keyed(
            "datadog", "datadog|dd[_\\-](?:api|app)", "[a-f0-9]{32}(?:[a-f0-9]{8})?", as: "DD_API_KEY",
            sample: "{hex:32}", source: "docs.datadoghq.com/account_management/api-app-keys"),
        keyed(
            "opsgenie", "opsgenie|geniekey", uuid, as: "OPSGENIE_API_KEY", sample: "{uuid}",
            source: "support.atlassian.com/opsgenie/docs/api-key-management"),
        keyed(
            "splunk", "splunk|hec_token", uuid, as: "SPLUNK_HEC_TOKEN", sample: "{uuid}",
            source: "docs.splunk.com, HTTP event collector tokens"),
        keyed(
            "rollbar", "rollbar", hex32, as: "ROLLBAR_ACCESS_TOKEN", sample: "{hex:32}",
            source: "docs.rollbar.com/docs/access-tokens"),
        keyed(
            "sumologic", "sumo", "[A-Za-z0-9]{64}", as: "SUMOLOGIC_ACCESSKEY", sample: "{alnum:64}",
            source: "help.sumologic.com/docs/manage/security/access-keys"),
        keyed(
            "confluent", "confluent|kafka", "[A-Za-z0-9+/]{64}", as: "CONFLUENT_API_SECRET", sample: "{alnum:64}",
            source:
                "docs.confluent.io/cloud/current/security/authenticate/workload-identities/service-accounts/api-keys"),
        keyed(
            "snyk", "snyk", uuid, as: "SNYK_TOKEN", sample: "{uuid}",
            source: "docs.snyk.io/snyk-api/authentication-for-api"),
        keyed(
            "travis", "travis", "[A-Za-z0-9_\\-]{22}", as: "TRAVIS_TOKEN", sample: "{alnum:22}",
            source: "docs.travis-ci.com/user/triggering-builds"),
        keyed(
            "gitea", "gitea|forgejo|codeberg", hex40, as: "GITEA_TOKEN", sample: "{hex:40}",
            source: "docs.gitea.com/development/api-usage"),
        keyed(
            "codacy", "codacy", "[A-Za-z0-9]{20,32}", as: "CODACY_API_TOKEN", sample: "{alnum:20}",
            source: "docs.codacy.com/codacy-api/api-tokens"),
        keyed(
            "twilio-auth", "twilio", hex32, as: "TWILIO_AUTH_TOKEN", sample: "{hex:32}",
            source: "twilio.com/docs/iam/access-tokens, auth tokens"),
        keyed(
            "postmark", "postmark", uuid, as: "POSTMARK_SERVER_TOKEN", sample: "{uuid}",
            source: "postmarkapp.com/developer/api/overview"),
        keyed(
            "mandrill", "mandrill", "(?:md-)?[A-Za-z0-9_\\-]{22}", as: "MANDRILL_API_KEY", sample: "{alnum:22}",
            source: "mailchimp.com/developer/transactional/guides/quick-start"),
        keyed(
            "mailgun-sending", "mailgun", "[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}", as: "MAILGUN_API_KEY",
            sample: "{hex:32}-{hex:8}-{hex:8}",
            source: "documentation.mailgun.com/docs/mailgun/api-reference/authentication"),
        keyed(
            "ghost-admin", "ghost", "[a-f0-9]{24}:[a-f0-9]{64}", as: "GHOST_ADMIN_API_KEY", sample: "{hex:24}:{hex:64}",
            source: "ghost.org/docs/admin-api, token authentication"),
        keyed(
            "pushover", "pushover", "[a-z0-9]{30}", as: "PUSHOVER_TOKEN", sample: "{lowerdigit:30}",
            source: "pushover.net/api"),
        keyed(
            "mattermost", "mattermost", "[a-z0-9]{26}", as: "MATTERMOST_TOKEN", sample: "{lowerdigit:26}",
            source: "developers.mattermost.com/integrate/reference/personal-access-token"),
        keyed(
            "vonage", "vonage|nexmo", "[A-Za-z0-9]{16}", as: "VONAGE_API_SECRET", sample: "{alnum:16}",
            source: "developer.vonage.com/en/getting-started/concepts/authentication"),
        keyed(
            "intercom", "intercom", "[A-Za-z0-9=_]{60}", as: "INTERCOM_TOKEN", sample: "{alnum:60}",
            source: "developers.intercom.com/docs/build-an-integration/learn-more/authentication"),
        keyed(
            "zendesk", "zendesk", "[A-Za-z0-9]{40}", as: "ZENDESK_API_TOKEN", sample: "{alnum:40}",
            source: "developer.zendesk.com/api-reference/introduction/security-and-auth"),
        keyed(
            "algolia", "algolia", hex32, as: "ALGOLIA_ADMIN_KEY", sample: "{hex:32}",
            source: "algolia.com/doc/guides/security/api-keys"),
        keyed(
            "okta", "okta", "00[A-Za-z0-9_\\-]{40}", as: "OKTA_API_TOKEN", sample: "00{alnum:40}",
            source: "developer.okta.com/docs/guides/create-an-api-token"),
        keyed(
            "auth0", "auth0", "[A-Za-z0-9_\\-]{64}", as: "AUTH0_CLIENT_SECRET", sample: "{alnum:64}",
            source: "auth0.com/docs/get-started/applications/confidential-and-public-applications"),
        keyed(
            "spotify", "spotify", hex32, as: "SPOTIFY_CLIENT_SECRET", sample: "{hex:32}",
            source: "developer.spotify.com/documentation/web-api/concepts/apps"),
        keyed(
            "twitch", "twitch", "[a-z0-9]{30}", as: "TWITCH_CLIENT_SECRET", sample: "{lowerdigit:30}",
            source: "dev.twitch.tv/docs/authentication"),
        keyed(
            "linkedin", "linkedin", "[A-Za-z0-9]{16}", as: "LINKEDIN_CLIENT_SECRET", sample: "{alnum:16}",
            source: "learn.microsoft.com/linkedin/shared/authentication"),
        keyed(
            "twitter", "twitter", "[A-Za-z0-9]{35,50}", as: "TWITTER_API_SECRET", sample: "{alnum:50}",
            source: "developer.x.com/en/docs/authentication/oauth-1-0a/api-key-and-secret"),
        keyed(
            "todoist", "todoist", hex40, as: "TODOIST_API_TOKEN", sample: "{hex:40}",
            source: "developer.todoist.com/rest/v2, authorization"),
        keyed(
            "openweather", "openweather|owm", hex32, as: "OPENWEATHER_API_KEY", sample: "{hex:32}",
            source: "openweathermap.org/appid"),
        keyed(
            "infura", "infura|alchemy|etherscan", "[A-Za-z0-9_\\-]{32,34}", as: "INFURA_API_KEY", sample: "{hex:32}",
            source: "docs.metamask.io/developer-tools/dashboard/get-started/create-api"),
        keyed(
            "kraken", "kraken", "[A-Za-z0-9/+=]{80,90}", as: "KRAKEN_PRIVATE_KEY", sample: "{base64:86}==",
            source: "docs.kraken.com/api/docs/guides/spot-rest-auth"),
        keyed(
            "binance", "binance", "[A-Za-z0-9]{64}", as: "BINANCE_SECRET_KEY", sample: "{alnum:64}",
            source: "developers.binance.com/docs/binance-spot-api-docs, request security"),
        keyed(
            "godaddy", "godaddy", "[A-Za-z0-9_]{20,40}", as: "GODADDY_API_KEY", sample: "{alnum:37}",
            source: "developer.godaddy.com/getstarted"),
        keyed(
            "segment", "segment", "[A-Za-z0-9]{32}", as: "SEGMENT_WRITE_KEY", sample: "{alnum:32}",
            source: "segment.com/docs/connections/find-writekey"),
        keyed(
            "mixpanel", "mixpanel|amplitude", hex32, as: "MIXPANEL_SECRET", sample: "{hex:32}",
            source: "developer.mixpanel.com/reference/project-secret"),
    ]
}
