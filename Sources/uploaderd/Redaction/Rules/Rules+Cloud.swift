/// Clouds, hosting, and what runs on them.
extension RedactionRule {
    /// What AWS's secret keys are assigned to; `[None]` stands where `aws configure` asks for one.
    private static let awsSecret = #"aws.{0,8}secret|secret.?access.?key(?: \[None\])?"#

    static let cloud: [RedactionRule] = [
        RedactionRule(
            "aws-access-key", #"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"#,
            source: "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, unique ID prefixes",
            examples: ["AKIA{upperdigit:16}", "id ASIA{upperdigit:16}."],
            nearMisses: ["AKIA{upperdigit:15}", "AKIA{lower:16}", "AKIAIOSFODNN7EXAMPLE"]),
        RedactionRule(
            "aws-secret-key", assigned(to: awsSecret, "[A-Za-z0-9/+]{40}"), trigger: assignment(to: awsSecret),
            entropy: 3.5,
            source: "docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html, 40 characters",
            examples: [
                "aws_secret_access_key = {base64:40}", "AWS_SECRET_ACCESS_KEY={base64:40}",
                "\"SecretAccessKey\": \"{base64:40}\"", "    secret_access_key        = \"{base64:40}\"",
                "AWS Secret Access Key [None]: {base64:40}", "| secretAccessKey | {base64:40} |",
            ], nearMisses: ["aws_secret_access_key = {base64:30}", "{base64:40}"]),
        RedactionRule(
            "aws-session-token", assigned(to: #"aws.{0,3}session.?token"#, "[A-Za-z0-9/+=]{100,2000}"),
            trigger: assignment(to: #"aws.{0,3}session.?token"#),
            source: "docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html",
            examples: ["AWS_SESSION_TOKEN={base64:300}"], nearMisses: ["AWS_SESSION_TOKEN=short"]),
        RedactionRule(
            "aws-bedrock-key", #"\bABSK[A-Za-z0-9+/]{100,270}={0,2}"#,
            source: "docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
            examples: ["ABSK{base64:128}"], nearMisses: ["ABSK{base64:30}"]),
        RedactionRule(
            "google-api-key", #"\bAIza[A-Za-z0-9_\-]{35}"#,
            source: "cloud.google.com/docs/authentication/api-keys, 39 characters that begin with AIza",
            examples: ["AIza{word:35}", "?key=AIza{word:35}&x=1"], nearMisses: ["AIza{word:30}", "aiza{word:35}"]),
        RedactionRule(
            "google-auth-key", type: "google_api_key", #"\bAQ\.Ab[A-Za-z0-9_\-]{30,120}"#,
            source: "ai.google.dev/gemini-api/docs/api-key, auth keys, which take the place of AIza",
            examples: ["AQ.Ab8{word:48}", "?key=AQ.Ab{word:47}"],
            nearMisses: ["AQ.Ab{word:12}", "FAQ.About-{lower:40}"]),
        RedactionRule(
            "google-access-token", #"\bya29\.[A-Za-z0-9_\-]{20,1024}"#,
            source: "developers.google.com/identity/protocols/oauth2",
            examples: ["ya29.{word:120}", "ya29.a0{word:160}"], nearMisses: ["ya29.{word:10}"]),
        RedactionRule(
            "google-refresh-token", #"\b1//0[A-Za-z0-9_\-]{40,120}"#,
            source: "developers.google.com/identity/protocols/oauth2, refresh token sizes",
            examples: ["1//0{word:60}"], nearMisses: ["1//0{word:20}"]),
        RedactionRule(
            "google-client-secret", #"\bGOCSPX-[A-Za-z0-9_\-]{28}"#,
            source: "support.google.com/cloud/answer/6158849, client secrets",
            examples: ["GOCSPX-{word:28}"], nearMisses: ["GOCSPX-{word:20}"]),
        RedactionRule(
            "azure-storage-key", #"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{43,86}={1,2})"#,
            source: "learn.microsoft.com/azure/storage/common/storage-configure-connection-string",
            examples: ["AccountName=x;AccountKey={base64:86}==;", "SharedAccessKey={base64:43}="],
            nearMisses: ["AccountKey={base64:20}=="]),
        RedactionRule(
            // 64 bytes are a SHA-512, too: of a key the name says so.
            "azure-account-key", type: "azure_storage_key",
            #"(?i:key[0-9]?["'\]]{0,2}[ \t]{0,3}[:=][ \t]{0,3}["']?|"keyName"[^{}]{1,120}"value"[ \t]{0,3}:[ \t]{0,3}")([A-Za-z0-9+/]{86}==)"#,
            trigger:
                #"(?i:key[0-9]?["'\]]{0,2}[ \t]{0,3}[:=][ \t]{0,3}["']?[A-Za-z0-9+/]{32}|"keyName"[^{}]{1,120}"value"[ \t]{0,3}:[ \t]{0,3}")"#,
            source: "learn.microsoft.com/azure/storage/common/storage-account-keys-manage",
            examples: [
                "AZURE_STORAGE_KEY={base64:86}==", "COSMOS_KEY = \"{base64:86}==\"",
                "\"primaryKey\": \"{base64:86}==\"",
                "{\"keyName\": \"key1\", \"permissions\": \"FULL\", \"value\": \"{base64:86}==\"}",
            ],
            nearMisses: ["\"integrity\": \"sha512-{base64:86}==\"", "{base64:86}==", "key: {base64:40}"]),
        RedactionRule(
            "azure-client-secret", #"\b([A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34})(?:[^A-Za-z0-9_~.\-]|$)"#,
            source: "learn.microsoft.com/entra/identity-platform/howto-create-service-principal-portal",
            examples: ["{alnum:3}8Q~{alnum:34}"], nearMisses: ["{alnum:3}8Q~{alnum:20}"]),
        RedactionRule(
            "azure-sas", #"[?&](?:amp;)?sig=([A-Za-z0-9%+/]{43,70}(?:%3[Dd]|=))"#,
            source: "learn.microsoft.com/rest/api/storageservices/create-service-sas",
            examples: ["https://a.blob.core.windows.net/c?sv=2022&sig={alnum:43}%3D"],
            nearMisses: ["?sig={alnum:20}%3D"]),
        RedactionRule(
            "azure-identifiable-key",
            #"\b[A-Za-z0-9_\-+/]{42,76}(?:AzFu|AzSe|AzCa|\+ACR|\+ASt|AZDO|JQQJ99|\+AMC|AzBa)[A-Za-z0-9_\-+/]{4,24}={0,2}"#,
            source: "github.com/microsoft/security-utilities, identifiable keys",
            examples: ["{alnum:76}AZDO{alnum:4}", "{alnum:44}AzFu{alnum:5}A==", "{alnum:42}AzSeD{alnum:5}"],
            nearMisses: ["{alnum:30}AZDO{alnum:4}"]),
        RedactionRule(
            "digitalocean-token", #"\bdo[opr]_v1_[a-f0-9]{64}\b"#,
            source: "docs.digitalocean.com/reference/api/create-personal-access-token",
            examples: ["dop_v1_{hex:64}", "doo_v1_{hex:64}", "dor_v1_{hex:64}"], nearMisses: ["dop_v1_{hex:60}"]),
        RedactionRule(
            "alibaba-access-key", #"\bLTAI[A-Za-z0-9]{12,24}\b"#, isMixed: true,
            source: "alibabacloud.com/help/ram/user-guide/create-an-accesskey-pair",
            examples: ["LTAI5t{alnum:18}"], nearMisses: ["LTAI{alnum:6}"]),
        RedactionRule(
            "tencent-secret-id", #"\bAKID[A-Za-z0-9]{32}\b"#,
            source: "cloud.tencent.com/document/product/598/40488",
            examples: ["AKID{alnum:32}"], nearMisses: ["AKID{alnum:20}"]),
        RedactionRule(
            "yandex-key", #"\b(AQVN[A-Za-z0-9_\-]{35,38}|YC[A-Za-z0-9_\-]{38})(?:[^\w\-]|$)"#,
            source: "yandex.cloud/docs/iam/concepts/authorization/api-key",
            examples: ["AQVN{alnum:36}", "YC{alnum:38}"], nearMisses: ["AQVN{alnum:20}"]),
        RedactionRule(
            "heroku-key", #"\bHRKU-[A-Za-z0-9_\-]{36,64}"#,
            source: "devcenter.heroku.com/articles/authentication, token format",
            examples: ["HRKU-AA{word:58}", "HRKU-{uuid}"], nearMisses: ["HRKU-AA"]),
        RedactionRule(
            "cloudflare-token", #"\bcf(?:k|ut|at)_[A-Za-z0-9_\-]{40,64}"#,
            source: "developers.cloudflare.com/fundamentals/api/get-started/token-formats",
            examples: ["cfut_{alnum:40}{hex:8}", "cfk_{alnum:40}{hex:8}", "cfat_{alnum:40}{hex:8}"],
            nearMisses: ["cfut_{alnum:12}", "cfg_{alnum:48}"]),
        RedactionRule(
            "cloudflare-origin-ca", #"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b"#,
            source: "developers.cloudflare.com/fundamentals/api/get-started/ca-keys",
            examples: ["v1.0-{hex:24}-{hex:146}"], nearMisses: ["v1.0-{hex:24}-{hex:40}"]),
        RedactionRule(
            "fly-token", #"\b(?:fo1_[A-Za-z0-9_\-]{43}|fm[12][ar]?_[A-Za-z0-9+/=_\-]{60,1000})"#,
            source: "fly.io/docs/security/tokens", examples: ["fo1_{word:43}", "FlyV1 fm2_{base64:200}"],
            nearMisses: ["fo1_{word:20}"]),
        RedactionRule(
            "render-key", #"\brnd_[A-Za-z0-9]{28,40}\b"#, source: "render.com/docs/api",
            examples: ["rnd_{alnum:32}"], nearMisses: ["rnd_{alnum:10}"]),
        RedactionRule(
            "netlify-token", #"\bnf[a-z]_[A-Za-z0-9]{36,40}\b"#, source: "docs.netlify.com/api/get-started",
            examples: ["nfp_{alnum:36}", "nfp_{alnum:40}"], nearMisses: ["nfp_{alnum:10}"]),
        RedactionRule(
            "supabase-key", #"\b(?:sbp_(?:v0_)?[a-f0-9]{40}|sb_secret_[A-Za-z0-9_\-]{20,60})"#,
            source: "supabase.com/docs/guides/api/api-keys", examples: ["sbp_{hex:40}", "sb_secret_{word:31}"],
            nearMisses: ["sbp_{hex:20}", "sb_publishable_{word:31}"]),
        RedactionRule(
            "planetscale-token", #"\bpscale_(?:tkn|oauth|pw)_[A-Za-z0-9=_.\-]{32,64}"#,
            source: "planetscale.com/docs/api/reference/service-tokens",
            examples: ["pscale_tkn_{word:43}", "pscale_pw_{word:43}"], nearMisses: ["pscale_tkn_{word:12}"]),
        RedactionRule(
            "neon-key", #"\bnapi_[a-z0-9]{40,70}\b"#, source: "neon.com/docs/manage/api-keys",
            examples: ["napi_{lowerdigit:64}"], nearMisses: ["napi_{lowerdigit:20}"]),
        RedactionRule(
            "databricks-token", #"\bdapi[a-f0-9]{32}(?:-\d)?\b"#,
            source: "docs.databricks.com/dev-tools/auth/pat", examples: ["dapi{hex:32}", "dapi{hex:32}-2"],
            nearMisses: ["dapi{hex:20}"]),
        RedactionRule(
            "scaleway-access-key", #"\bSCW[A-Z0-9]{17}\b"#,
            source: "scaleway.com/en/docs/iam/concepts, API key", examples: ["SCW7{upperdigit:15}K"],
            nearMisses: ["SCW{upperdigit:10}"]),
        RedactionRule(
            "backblaze-key", #"\b(K00[0-9][A-Za-z0-9/+]{27})(?:[^\w/+]|$)"#, isMixed: true,
            source: "backblaze.com/docs/cloud-storage-application-keys", examples: ["K005{alnum:27}"],
            nearMisses: ["K005{alnum:10}"]),
        RedactionRule(
            "cloudinary-url", #"\bcloudinary://\d{10,20}:([A-Za-z0-9_\-]{20,40})@"#,
            source: "cloudinary.com/documentation/how_to_integrate_cloudinary, environment variable",
            examples: ["cloudinary://{digit:15}:{word:27}@cloud"], nearMisses: ["cloudinary://cloud"]),
        RedactionRule(
            "akamai-token", #"\bakab-[a-z0-9]{16}-[a-z0-9]{16}\b"#,
            source: "techdocs.akamai.com/developer/docs/edgegrid", examples: ["akab-{lowerdigit:16}-{lowerdigit:16}"],
            nearMisses: ["akab-{lowerdigit:16}"]),
        RedactionRule(
            "openshift-token", #"\bsha256~[A-Za-z0-9_\-]{43}"#,
            source: "docs.openshift.com, authentication, OAuth access tokens", examples: ["sha256~{word:43}"],
            nearMisses: ["sha256:{hex:64}", "sha256~{word:20}"]),
        RedactionRule(
            "tailscale-key", #"\btskey-[a-z]{2,10}-[A-Za-z0-9]{6,32}(?:CNTRL)?-[A-Za-z0-9]{16,64}"#,
            source: "tailscale.com/kb/1085/auth-keys", examples: ["tskey-auth-{alnum:11}CNTRL-{alnum:32}"],
            nearMisses: ["tskey-auth-{alnum:5}"]),
        RedactionRule(
            "aws-session-form", type: "aws_session_token", #"\bIQoJb3JpZ2luX2Vj[A-Za-z0-9+/=_%\-]{100,2500}"#,
            trigger: #"\bIQoJb3JpZ2luX2Vj[A-Za-z0-9+/=_%\-]{100}"#,
            source:
                "docs.aws.amazon.com/AmazonS3, presigned URLs, X-Amz-Security-Token: it begins with `!…origin_ec` in base64",
            examples: [
                "X-Amz-Security-Token=IQoJb3JpZ2luX2VjEML%2F%2F{alnum:300}%3D", "IQoJb3JpZ2luX2Vj{base64:400}==",
            ],
            nearMisses: ["IQoJb3JpZ2luX2Vj", "IQoJb3JpZ2luX2Vj{base64:40}"]),
        RedactionRule(
            "aws-signature", #"X-Amz-Signature=([a-f0-9]{64})"#,
            source: "docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
            examples: ["https://b.s3.amazonaws.com/k?X-Amz-Expires=3600&X-Amz-Signature={hex:64}"],
            nearMisses: ["X-Amz-Signature=<signature>", "X-Amz-Signature={hex:9}"]),
        RedactionRule(
            "aws-configured-key", type: "aws_secret_key",
            #"aws_secret_access_key[ \t]{1,3}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#, entropy: 3.5,
            source: "docs.aws.amazon.com/cli/latest/reference/configure/set.html",
            examples: ["aws configure set aws_secret_access_key {base64:40}"],
            nearMisses: ["aws configure set aws_secret_access_key $KEY", "aws_secret_access_key is what is asked for"]),
        RedactionRule(
            "vercel-blob-token", #"\bvercel_blob_rw_[A-Za-z0-9]{10,24}_[A-Za-z0-9]{20,48}\b"#,
            source: "vercel.com/docs/vercel-blob, BLOB_READ_WRITE_TOKEN: the store's id and a secret",
            examples: ["BLOB_READ_WRITE_TOKEN=vercel_blob_rw_{alnum:16}_{alnum:30}"],
            nearMisses: ["vercel_blob_rw_xxxxxxxxxxxxx", "vercel_blob_rw_{alnum:16}"]),
    ]
}
