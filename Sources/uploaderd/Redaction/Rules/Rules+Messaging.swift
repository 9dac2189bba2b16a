/// Mail, chat and telephones.
extension RedactionRule {
    static let messaging: [RedactionRule] = [
        RedactionRule(
            "slack-token", #"\bxox(?:[abceoprs](?:\.xox[bp])?-[A-Za-z0-9\-]{10,250}|d-[A-Za-z0-9%+/=\-]{20,400})"#,
            isMixed: true,
            source: "api.slack.com/authentication/token-types",
            examples: [
                "xoxb-{digit:12}-{digit:13}-{alnum:24}", "xoxp-{digit:12}-{digit:12}-{digit:13}-{hex:32}",
                "xoxe.xoxp-1-{alnum:160}", "xoxc-{digit:12}-{digit:13}-{digit:13}-{hex:64}",
                "xoxd-{alnum:60}%2B{alnum:60}%3D%3D",
            ],
            nearMisses: ["xoxb-your-token", "xoxz-{alnum:24}"]),
        RedactionRule(
            "slack-app-token", type: "slack_token", #"\bxapp-\d-[A-Z0-9]{8,14}-\d{10,16}-[a-f0-9]{40,80}"#,
            source: "api.slack.com/authentication/token-types, app-level tokens",
            examples: ["xapp-1-A{upperdigit:10}-{digit:13}-{hex:64}"], nearMisses: ["xapp-1-A{upperdigit:10}"]),
        RedactionRule(
            "slack-webhook", #"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,70})"#,
            source: "api.slack.com/messaging/webhooks",
            examples: ["https://hooks.slack.com/services/T{upperdigit:10}/B{upperdigit:10}/{alnum:24}"],
            nearMisses: ["https://hooks.slack.com/services/", "https://hooks.slack.com/services/T000/B000"]),
        RedactionRule(
            // The first part is a number of 17 to 20 digits in base64: three digits are four of these letters.
            "discord-token",
            #"\b[MNO][DTjz][AEIMQUYcgk][w-z0-5][A-Za-z0-9_\-]{19,24}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38}"#,
            entropy: 3.5, source: "discord.com/developers/docs/reference, authentication; snowflakes",
            examples: ["MTk4{alnum:20}.{word:6}.{word:27}", "ODE2{alnum:22}.{word:6}.{word:38}"],
            nearMisses: ["MTk4{alnum:8}.{word:6}.{word:27}", "Ning{alnum:20}.{word:6}.{word:27}"]),
        RedactionRule(
            "discord-webhook", #"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{17,20}/([A-Za-z0-9_\-]{60,80})"#,
            source: "discord.com/developers/docs/resources/webhook",
            examples: ["https://discord.com/api/webhooks/{digit:18}/{word:68}"],
            nearMisses: ["https://discord.com/api/webhooks/1/x"]),
        RedactionRule(
            "telegram-token", #"\b(\d{8,10}:AA[A-Za-z0-9_\-]{33})(?:[^\w\-]|$)"#,
            source: "core.telegram.org/bots/api, authorizing your bot",
            examples: ["{digit:10}:AA{alnum:33}", "{digit:9}:AA{alnum:32}-"],
            nearMisses: ["{digit:10}:BB{alnum:33}", "{digit:10}:AA{alnum:10}"]),
        RedactionRule(
            "twilio-key", #"\bSK[a-f0-9]{32}\b"#, source: "twilio.com/docs/iam/api-keys", examples: ["SK{hex:32}"],
            nearMisses: ["SK{hex:30}", "sk{hex:32}"]),
        RedactionRule(
            "sendgrid-key", #"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{40,64}"#,
            source: "docs.sendgrid.com/ui/account-and-settings/api-keys", examples: ["SG.{word:22}.{word:43}"],
            nearMisses: ["SG.{word:22}", "SG.x.y"]),
        RedactionRule(
            "mailgun-key", #"\bkey-[a-f0-9]{32}\b"#,
            source: "documentation.mailgun.com/docs/mailgun/api-reference/authentication",
            examples: ["key-{hex:32}"], nearMisses: ["key-{hex:20}", "{uuid}"]),
        RedactionRule(
            "mailchimp-key", #"\b[a-f0-9]{32}-us\d{1,2}\b"#,
            source: "mailchimp.com/developer/marketing/docs/fundamentals, authenticate with an API key",
            examples: ["{hex:32}-us12"], nearMisses: ["{hex:32}-eu", "{hex:30}-us12"]),
        RedactionRule(
            "brevo-key", #"\bx(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}\b"#,
            source: "developers.brevo.com/docs/getting-started", examples: ["xkeysib-{hex:64}-{alnum:16}"],
            nearMisses: ["xkeysib-{hex:12}"]),
        RedactionRule(
            "resend-key", #"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"#, isMixed: true,
            source: "resend.com/docs/dashboard/api-keys/introduction", examples: ["re_4{alnum:7}_{alnum:24}"],
            nearMisses: ["re_{alnum:8}"]),
        RedactionRule(
            "onesignal-key", #"\bos_v2_(?:app|org)_[a-z0-9]{90,110}\b"#,
            source: "documentation.onesignal.com/docs/keys-and-ids", examples: ["os_v2_app_{lowerdigit:103}"],
            nearMisses: ["os_v2_app_{lowerdigit:12}"]),
        RedactionRule(
            "teams-webhook", #"\.webhook\.office\.com/webhookb2/([A-Za-z0-9\-@/]{80,200})"#,
            source: "learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
            examples: ["https://x.webhook.office.com/webhookb2/{uuid}@{uuid}/IncomingWebhook/{hex:32}/{uuid}"],
            nearMisses: ["https://x.webhook.office.com/webhookb2/{uuid}"]),
        RedactionRule(
            "google-chat-webhook",
            #"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_\-]{6,20}/messages\?key=[A-Za-z0-9_\-]{30,50}&token=([A-Za-z0-9_\-%]{30,80})"#,
            source: "developers.google.com/workspace/chat/quickstart/webhooks",
            examples: ["https://chat.googleapis.com/v1/spaces/{alnum:11}/messages?key=x{word:38}&token={word:43}"],
            nearMisses: ["https://chat.googleapis.com/v1/spaces/x/messages"]),
    ]
}
