/// What watches, deploys and guards machines.
extension RedactionRule {
    static let operations: [RedactionRule] = [
        RedactionRule(
            "newrelic-key",
            #"\b(NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9_\-]{32}|NRJS-[a-f0-9]{19}|NRSP-[a-z0-9]{30,40}|[a-z0-9]{36}NRAL)(?:[^\w\-]|$)"#,
            source: "docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys",
            examples: [
                "NRAK-{upperdigit:27}", "NRII-{alnum:32}", "NRJS-{hex:19}", "NEW_RELIC_LICENSE_KEY={hex:36}NRAL",
            ],
            nearMisses: ["NRAK-{upperdigit:10}", "{hex:20}NRAL"]),
        RedactionRule(
            "grafana-token",
            #"\b(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_eyJ[A-Za-z0-9+/=]{40,400}|eyJrIjoi[A-Za-z0-9]{40,400}={0,2})"#,
            source: "grafana.com/docs/grafana/latest/administration/service-accounts",
            examples: ["glsa_{alnum:32}_{hex:8}", "glc_eyJ{alnum:100}", "eyJrIjoi{alnum:80}"],
            nearMisses: ["glsa_{alnum:12}"]),
        RedactionRule(
            "sentry-token", #"\b(?:sntrys_eyJ[A-Za-z0-9+/=_\-]{60,400}|sntry[ua]_[a-f0-9]{64})"#,
            source: "docs.sentry.io/account/auth-tokens",
            examples: ["sntryu_{hex:64}", "sntrys_eyJ{alnum:120}_{alnum:43}"],
            nearMisses: ["sntryu_{hex:12}"]),
        RedactionRule(
            "honeycomb-key", #"\bhc[abmx]?[il][kc]_[a-z0-9]{58}\b"#,
            source: "docs.honeycomb.io/configure/environments/manage-api-keys",
            examples: ["hcaik_{lowerdigit:58}", "hcbik_{lowerdigit:58}"], nearMisses: ["hcaik_{lowerdigit:9}"]),
        RedactionRule(
            "dynatrace-token", #"\bdt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b"#,
            source:
                "docs.dynatrace.com/docs/manage/identity-access-management/access-tokens-and-oauth-clients/access-tokens",
            examples: ["dt0c01.{upperdigit:24}.{upperdigit:64}"], nearMisses: ["dt0c01.{upperdigit:24}"]),
        RedactionRule(
            "posthog-key", #"\bph[xs]_[A-Za-z0-9]{40,60}\b"#, source: "posthog.com/docs/api, personal API keys",
            examples: ["phx_{alnum:43}"], nearMisses: ["phx_{alnum:9}", "phc_{alnum:43}"]),
        RedactionRule(
            "vault-token", #"\b(?:hv[sbr]\.[A-Za-z0-9_\-]{24,300}|s\.[A-Za-z0-9]{24})\b"#, entropy: 3.5, isMixed: true,
            source: "developer.hashicorp.com/vault/docs/concepts/tokens, token prefixes",
            examples: ["hvs.{word:95}x", "hvb.{word:150}x", "s.4{alnum:23}"],
            nearMisses: ["hvs.{word:9}", "s.toLowerCaseAndTrimTheText"]),
        RedactionRule(
            "terraform-token", #"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"#,
            source: "developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens",
            examples: ["{alnum:14}.atlasv1.{word:67}"], nearMisses: ["{alnum:14}.atlasv1.x"]),
        RedactionRule(
            "pulumi-token", #"\bpul-[a-f0-9]{40}\b"#,
            source: "pulumi.com/docs/pulumi-cloud/access-management/access-tokens",
            examples: ["pul-{hex:40}"], nearMisses: ["pul-{hex:9}"]),
        RedactionRule(
            "doppler-token", #"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9\-_]{2,35}\.)?[A-Za-z0-9]{40,44}\b"#,
            source: "docs.doppler.com/reference/auth-token-formats",
            examples: ["dp.pt.{alnum:43}", "dp.st.dev.{alnum:43}"],
            nearMisses: ["dp.pt.{alnum:9}"]),
        RedactionRule(
            "onepassword-token", #"\bops_eyJ[A-Za-z0-9+/=_\-]{150,1500}"#,
            source: "developer.1password.com/docs/service-accounts", examples: ["ops_eyJ{alnum:250}"],
            nearMisses: ["ops_eyJ{alnum:20}"]),
        RedactionRule(
            "onepassword-secret-key",
            #"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b"#,
            source: "support.1password.com/secret-key-security",
            examples: ["A3-{upperdigit:6}-{upperdigit:6}-{upperdigit:5}-{upperdigit:5}-{upperdigit:5}-{upperdigit:5}"],
            nearMisses: ["A3-{upperdigit:6}"]),
        RedactionRule(
            "age-secret-key", #"(?i)\bAGE-SECRET-KEY-(?:PQ-)?1[02-9ac-hj-np-z]{50,100}\b"#,
            source: "github.com/C2SP/C2SP/blob/main/age.md",
            examples: ["AGE-SECRET-KEY-1{bech32:58}"], nearMisses: ["age1{bech32:58}", "AGE-SECRET-KEY-1QQQ"]),
        RedactionRule(
            "bitwarden-token", #"\b0\.[a-f0-9\-]{36}\.[A-Za-z0-9]{30}:[A-Za-z0-9+/=]{20,30}"#,
            source: "bitwarden.com/help/access-tokens", examples: ["0.{uuid}.{alnum:30}:{base64:22}=="],
            nearMisses: ["0.{uuid}"]),
        RedactionRule(
            "prefect-key", #"\bpn[ub]_[A-Za-z0-9]{36}\b"#,
            source: "docs.prefect.io/v3/how-to-guides/cloud/manage-users/api-keys",
            examples: ["pnu_{alnum:36}"], nearMisses: ["pnu_{alnum:9}"]),
        RedactionRule(
            "influxdb-token", #"[^A-Za-z0-9+/_\-]([A-Za-z0-9_\-]{86}==)"#, entropy: 4.5, isMixed: true,
            source: "docs.influxdata.com/influxdb/v2/admin/tokens",
            examples: ["Token {word:86}==", "INFLUX_TOKEN={word:86}=="],
            nearMisses: ["Token {word:40}=="]),
        RedactionRule(
            "atlas-key", #"\b(mdb_sa_sk_[A-Za-z0-9_\-]{40})(?:[^\w\-]|$)"#,
            source: "mongodb.com/docs/atlas/api/service-accounts-overview",
            examples: ["mdb_sa_sk_{alnum:40}"], nearMisses: ["mdb_sa_id_{hex:24}"]),
        RedactionRule(
            "aiven-token", #"\baivenv1[A-Za-z0-9+/=]{60,220}"#,
            source: "aiven.io/docs/platform/howto/create_authentication_token",
            examples: ["aivenv1{alnum:120}"], nearMisses: ["aivenv1x"]),
        RedactionRule(
            "temporal-key", #"\btmprl_[A-Za-z0-9]{32}_[A-Za-z0-9]{32}\b"#, source: "docs.temporal.io/cloud/api-keys",
            examples: ["tmprl_{alnum:32}_{alnum:32}"], nearMisses: ["tmprl_{alnum:9}"]),
        RedactionRule(
            "teleport-token", #"\bteleport_[A-Za-z0-9]{40,64}\b"#, entropy: 3.5,
            source: "goteleport.com/docs/reference, join tokens",
            examples: ["teleport_{hex:48}"], nearMisses: ["teleport_cluster_name"]),
        RedactionRule(
            "kubernetes-client-key", #"client-key-data:[ \t]{0,4}([A-Za-z0-9+/]{60,8000}={0,2})"#,
            trigger: #"client-key-data:[ \t]{0,4}[A-Za-z0-9+/]{60}"#,
            source: "kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig",
            examples: ["client-key-data: {base64:400}"], nearMisses: ["certificate-authority-data: {base64:100}"]),
        RedactionRule(
            "docker-auth", #""auth"[ \t]{0,4}:[ \t]{0,4}"([A-Za-z0-9+/]{12,500}={0,2})""#,
            source: "docs.docker.com/reference/cli/docker/login, config.json",
            examples: ["{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\": \"{base64:40}\"}}}"],
            nearMisses: ["\"auth\": \"none\""]),
        RedactionRule(
            "docker-config-secret", type: "docker_auth",
            #"\.dockerconfigjson["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(eyJ[A-Za-z0-9+/]{20,8000}={0,2})"#,
            trigger: #"\.dockerconfigjson["']?[ \t]{0,4}[:=][ \t]{0,4}["']?eyJ"#,
            source: "kubernetes.io/docs/concepts/configuration/secret, kubernetes.io/dockerconfigjson",
            examples: [".dockerconfigjson: eyJ{base64:120}==", "\".dockerconfigjson\": \"eyJ{base64:400}\""],
            nearMisses: ["type: kubernetes.io/dockerconfigjson", ".dockerconfigjson: <base64>"]),
        RedactionRule(
            "wireguard-key", #"\b(?i:PrivateKey|PresharedKey)[ \t]{0,40}=[ \t]{0,40}([A-Za-z0-9+/]{43}=)"#,
            trigger: #"\b(?i:PrivateKey|PresharedKey)(?:[ \t]{0,3}=|[ \t]{4})"#,
            source: "wg(8), configuration file format",
            examples: ["PrivateKey = {base64:43}=", "PresharedKey = {base64:43}="],
            nearMisses: ["PublicKey = {base64:43}=", "PrivateKey = {base64:20}="]),
        RedactionRule(
            "openssl-password", type: "password", #"-pass(?:in|out)?[ \t]{1,4}["']?pass:([^\s"'`$<][^\n"]{3,127})"#,
            trigger: #"-pass(?:in|out)?[ \t]{1,4}["']?pass:[^\s"'`$<]"#, extent: .behindUser,
            source: "openssl-passphrase-options(1)",
            examples: [
                "openssl enc -aes-256-cbc -pass pass:{alnum:12} -in x", "-passin 'pass:{alnum:12}' -out y",
            ],
            nearMisses: ["openssl rsa -passin pass:$PW", "openssl rsa -passin file:key.txt"]),
        RedactionRule(
            "aiven-password", type: "password", #"\bAVNS_[A-Za-z0-9_\-]{15,40}"#, entropy: 3, isMixed: true,
            source:
                "docs.github.com, supported secret scanning patterns, aiven_service_password; also of DigitalOcean's databases",
            examples: ["the password AVNS_{alnum:9}7{alnum:9}"],
            nearMisses: ["AVNS_xxxxxxxxxxxxxxxxxxx", "AVNS_{alnum:9}"]),
        RedactionRule(
            "confluent-secret", #"\b(cflt[A-Za-z0-9+/]{60})(?:[^A-Za-z0-9+/=]|$)"#, entropy: 4, isMixed: true,
            source: "docs.confluent.io/cloud/current/access-management/authenticate/api-keys, API secret format",
            examples: ["use cflt{base64:60} for it"], nearMisses: ["cflt{base64:30}"]),
        RedactionRule(
            "snyk-token", #"\bsnyk_[us]at\.[A-Za-z0-9]{8}\.[A-Za-z0-9_\-]{8,100}\.[A-Za-z0-9_\-]{8,100}"#,
            source: "github.com/snyk/go-application-framework, personal and service access tokens",
            examples: ["snyk_uat.{hex:8}.{word:40}.{word:43}"],
            nearMisses: ["snyk_uat.{hex:8}.x", "snyk_uat.<your_token>"]),
        RedactionRule(
            "inngest-key", #"\bsignkey-[a-z]{2,12}-[a-f0-9]{32,64}\b"#,
            source: "inngest.com/docs/platform/signing-keys",
            examples: ["signkey-prod-{hex:64}", "signkey-test-{hex:32}"],
            nearMisses: ["signkey-prod-{hex:9}", "signkey-prod-..."]),
        RedactionRule(
            "trigger-key", #"\btr_(?:dev|prod|stg|preview|pat)_(?:sk_)?[A-Za-z0-9]{20,64}\b"#, entropy: 3,
            isMixed: true,
            source: "trigger.dev/docs/apikeys; trigger.dev/docs/management/tasks/trigger-batch",
            examples: [
                "tr_prod_{alnum:9}7{alnum:14}", "tr_pat_{alnum:9}7{alnum:30}", "key tr_dev_sk_{alnum:9}7{alnum:14}",
            ],
            nearMisses: ["tr_prod_xxxxx", "tr_dev_1234", "attr_prod_{alnum:9}7{alnum:14}"]),
    ]
}
