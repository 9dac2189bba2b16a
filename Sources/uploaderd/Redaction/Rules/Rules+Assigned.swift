/// What is called a secret, and assigned to that name.
extension RedactionRule {
    private static let secretForm = #"[A-Za-z0-9_.+/\-][A-Za-z0-9_.+/~\-]{15,256}={0,2}"#
    /// A bracket is an index, and no secret was before it, unless it is what is left of a colour.
    private static let behindSecret = #"(?:[^A-Za-z0-9_.(\[+/~\-]|\[[0-9;]{0,9}m|$)"#

    /// What keys consist of that have marks in them, such as Django's.
    private static let marked = #"[A-Za-z0-9!@#$%^&*()\-_=+.,;~?|]"#

    /// Of them at least 12, and one that other rules do not know.
    private static let withMark =
        #"(?:\#(marked){0,8}[!@#$%^&*()+,;?|]\#(marked){11,150}|\#(marked){8,12}[!@#$%^&*()+,;?|]\#(marked){4,150}|\#(marked){12,100}[!@#$%^&*()+,;?|]\#(marked){0,50})"#

    /// In capitals, as environments have them.
    private static let environmentName =
        #"(?:(?:API|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING|MASTER|APP)_?KEY(?:_BASE)?|SECRET|TOKEN)="#

    private static let listedName =
        "(?:(?:API|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING|MASTER|APP)_?KEY(?:_BASE)?|[_ ]SECRET|[A-Z]_TOKEN)"

    static let assignedSecrets: [RedactionRule] = [
        RedactionRule(
            "assigned-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.secretName)(?:\#(Assignment.near)["'`]?|\#(Assignment.argument)))(\#(secretForm))\#(behindSecret)"#,
            trigger:
                #"(?i:\#(Assignment.secretName)(?:\#(Assignment.near)["'`]?[A-Za-z0-9_.+/~\-]{16}|\#(Assignment.argument)[A-Za-z0-9_.+/~\-]{16}))"#,
            entropy: 3.5, isMixed: true, source: Assignment.source,
            examples: [
                "api_key = \"7{alnum:31}\"", "SECRET={alnum:20}4{alnum:3}", "MY_AUTH_TOKEN: {alnum:9}3{alnum:12}",
                "{\"service_key\": \"1{alnum:39}\"}", "clientSecret: '{alnum:12}6{alnum:24}'",
                "\"clientSecret\": \"a/7{alnum:24}\"", "SECRET_KEY_BASE={hex:64}", "secret_key_base: \"2{alnum:31}\"",
                "os.getenv(\"API_TOKEN\", \"7{alnum:31}\")", "h.Set(\"X-API-Key\", \"7{alnum:31}\")",
                "process.env.API_KEY || \"7{alnum:31}\"", "Ocp-Apim-Subscription-Key: {hex:32}",
                "API_KEY ?= 7{alnum:31}",
            ],
            nearMisses: [
                "max_tokens: 4096", "token = getToken(request)", "secret: kubernetes-secret-name",
                "api_key = os.environ[\"API_KEY\"]", "token: string;", "access_key = self.settings.aws_key",
                "credentials = \"~/.config/app/s3-key-1\"",
                "[\"token\", \"refresh_token_expires\"]",
                "secret_key_base: \"test-only-secret-base-minimum-64-bytes-long-enough\"",
            ]),
        RedactionRule(
            "aligned-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.commonSecretName)\#(Assignment.plain)["'`]?)(\#(secretForm))\#(behindSecret)"#,
            trigger: #"(?i:\#(Assignment.commonSecretName)\#(Assignment.alignment))"#,
            entropy: 3.5, isMixed: true, source: "developer.hashicorp.com/terraform/language/style",
            examples: [
                "client_secret                = \"5{alnum:31}\"", "API_KEY:           7{alnum:31}",
                "secret\t\t\t\t:=\t\t\"8{alnum:31}\"", "\"api_key\" =      7{alnum:31}",
            ],
            nearMisses: [
                "secret    the-second-column-of-a-table-1", "token          = get_token_of_user_1(x)",
                "secret         = \"a-name-of-a-secret-1\"",
            ]),
        RedactionRule(
            "declared-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.secretName)\#(Assignment.declaration))(\#(secretForm))\#(behindSecret)"#,
            trigger: #"(?i:\#(Assignment.secretName)\#(Assignment.declaration))"#,
            entropy: 3.5, isMixed: true, source: Assignment.source,
            examples: [
                "let api_key: &str = \"7{alnum:31}\";", "const APIToken string = \"7{alnum:31}\"",
                "private let apiKey: String   = \"7{alnum:31}\"", "const token: string = `7{alnum:31}`",
            ],
            nearMisses: [
                "let token: String = self.client.newToken1()", "const secret: string = 'the-name-of-1-secret'",
            ]),
        RedactionRule(
            "marked-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.commonSecretName)\#(Assignment.near))["'`](\#(withMark))["'`]"#,
            trigger: #"(?i:\#(Assignment.commonSecretName)\#(Assignment.near))["'`]\#(marked){12}"#,
            entropy: 3.5, isMixed: true, extent: .assigned,
            source: "docs.djangoproject.com/en/stable/ref/settings/#secret-key",
            examples: [
                "JWT_SECRET=\"9f$k2&x(1){alnum:9}\"", "\"secretKey\": \"k4!{alnum:12}\"",
                "SECRET_KEY = 'django-insecure-&o(t11{alnum:12}$&^x#{alnum:12}'",
            ],
            nearMisses: [
                "token = \"${CI_TOKEN_1}\"", "token: \"please, give a token!\"", "secret = \"$(cat /run/secret1)\"",
            ]),
        RedactionRule(
            // The same marks without quotes.
            "environment-secret", type: "assigned_secret", #"\#(environmentName)(\#(withMark))"#,
            trigger: #"\#(environmentName)\#(marked){12}"#, entropy: 3.5, isMixed: true, extent: .assigned,
            source: "environ(7); docs.djangoproject.com/en/stable/ref/settings/#secret-key",
            examples: ["API_SECRET=9f$k2&x(1){alnum:9}", "DJANGO_SECRET_KEY=&o(t11q6%$&^{alnum:12}!ht$6l^"],
            nearMisses: [
                "SECRET=$(openssl rand -hex 32)", "SECRET=getSecret(name1)", "TOKEN=$GITHUB_TOKEN_FOR_CI1",
            ]),
        RedactionRule(
            // In a table or behind a command: setenv, setx, ENV.
            "listed-secret", type: "assigned_secret",
            #"\#(listedName)(?:[ \t]{1,40}["']?([A-Za-z0-9_.+/~\-]{20,256}={0,2})(?:[^A-Za-z0-9_.(\[+/~\-=]|$)|["'`]?[ \t]{0,40}\|[ \t]{1,3}["'`]?([A-Za-z0-9_.+/~\-]{20,256}={0,2})["'`]?[ \t]{0,40}\|)"#,
            trigger: #"\#(listedName)["'`]?(?:[ \t]{4}|[ \t]{0,3}\|[ \t]{1,3}|[ \t]{1,3}["']?[A-Za-z0-9_.+/~\-]{20})"#,
            entropy: 3.5, isMixed: true,
            source: "heroku-config(1); csh(1), setenv; docs.docker.com/reference/dockerfile, ENV",
            examples: [
                "API_KEY          7{alnum:31}", "setenv API_KEY 7{alnum:31}", "setx MY_SECRET \"7{alnum:31}\"",
                "| API_TOKEN | 7{alnum:31} |", "| `API_TOKEN` | `7{alnum:31}` |",
            ],
            nearMisses: [
                "API_KEY is the name of it", "SECRET_KEY    some-kubernetes-secret-1-name", "MAX_TOKEN 123456",
                "P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE1,",
            ]),
        RedactionRule(
            "markdown-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.commonSecretName)|api key):\*\*[ \t]{1,3}["'`]?(\#(secretForm))\#(behindSecret)"#,
            entropy: 3.5, isMixed: true, source: "spec.commonmark.org, emphasis",
            examples: ["- **API Key:** `7{alnum:31}`", "**Token:** 7{alnum:31}"],
            nearMisses: ["**Token:** `the-name-of-1-secret`", "**API Key:** see the settings of user1"]),
        RedactionRule(
            "laravel-key", type: "assigned_secret",
            #"(?i:key)["'\]]{0,2}[ \t]{0,3}(?:=>|[:=])[ \t]{0,3}["']?(base64:[A-Za-z0-9+/]{22,128}={0,2})"#,
            trigger: #"(?i:key)["'\]]{0,2}[ \t]{0,3}(?:=>|[:=])[ \t]{0,3}["']?base64:"#,
            source: "laravel.com/docs/encryption, configuration",
            examples: ["APP_KEY=base64:{base64:43}=", "'key' => 'base64:{base64:43}='"],
            nearMisses: ["APP_KEY=base64:", "type=base64:{base64:43}="]),
        RedactionRule(
            "flag-secret", type: "assigned_secret",
            #"-(?:(?:api|access|secret|private|auth)[_\-]?key|(?:-|auth[_\-]|access[_\-]|api[_\-]|bearer[_\-]|refresh[_\-]|session[_\-]|bot[_\-]|admin[_\-])token|secret)(?:[ \t]{1,3}["']?|["'],\s{0,20}["'])([A-Za-z0-9_.+/~\-]{12,256}={0,2})(?:[^A-Za-z0-9_.(\[+/~\-=]|$)"#,
            trigger:
                #"-(?:(?:api|access|secret|private|auth)[_\-]?key|(?:-|auth[_\-]|access[_\-]|api[_\-]|bearer[_\-]|refresh[_\-]|session[_\-]|bot[_\-]|admin[_\-])token|secret)(?:[ \t]{1,3}["']?|["'],\s{0,20}["'])[A-Za-z0-9_.+/~\-]{12}"#,
            entropy: 3.5, isMixed: true, source: Assignment.source,
            examples: [
                "x --api-key 7{alnum:31}", "x --token '7{alnum:31}' y", "x --client-secret 7{alnum:31}",
                "\"args\":[\"-y\",\"--api-key\",\"7{alnum:31}\"]", "--access-token \"7{alnum:31}\"",
            ],
            nearMisses: [
                "--token $GITHUB_TOKEN_1", "--token-file /run/secrets/token1", "--api-key <your key>",
                "--secret id=npmrc1,src=.npmrc", "--token string", "--token my-service-token",
                "--next-token abCDeFGhiJKlmnOPqrSTuvwxYZ1aBCdEFghij",
            ]),
        RedactionRule(
            "named-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.secretName)\#(Assignment.pair))(\#(secretForm))\#(behindSecret)"#,
            trigger: #"(?i:\#(Assignment.secretName)\#(Assignment.pair))[A-Za-z0-9_.+/~-]{16}"#,
            entropy: 3.5, isMixed: true,
            source: "kubernetes.io/docs, Pod, EnvVar; docs.aws.amazon.com/AmazonECS, KeyValuePair",
            examples: [
                "- name: API_TOKEN\n  value: \"7{alnum:31}\"", "{\"name\":\"API_TOKEN\",\"value\":\"7{alnum:31}\"}",
                "{\n  \"name\": \"SECRET_KEY_BASE\",\n  \"slotSetting\": false,\n  \"value\": \"7{alnum:31}\"\n}",
                "<add key=\"ApiKey\" value=\"7{alnum:31}\" />",
            ],
            nearMisses: [
                "- name: API_TOKEN\n  valueFrom:\n    secretKeyRef:\n      name: application-secrets-1",
                "- name: API_TOKEN\n- name: X\n  value: 7{alnum:31}",
            ]),
        RedactionRule(
            "element-secret", type: "assigned_secret",
            #"(?i:\#(Assignment.secretName)\#(Assignment.element))(\#(secretForm))[ \t]{0,4}</"#,
            trigger: #"(?i:\#(Assignment.secretName)\#(Assignment.element))[A-Za-z0-9_.+/~-]{16}"#,
            entropy: 3.5, isMixed: true,
            source: "developer.android.com/guide/topics/resources/string-resource; plist(5)",
            examples: [
                "<string name=\"api_key\">7{alnum:31}</string>", "<apiKey>7{alnum:31}</apiKey>",
                "<key>ApiKey</key>\n    <string>7{alnum:31}</string>",
            ],
            nearMisses: ["<token>the-name-of-a-token</token>", "<li class=\"token\">7{alnum:31} is one</li>"]),
    ]
}
