/// Where code lies, is built and is discussed.
extension RedactionRule {
    static let codeHosts: [RedactionRule] = [
        RedactionRule(
            "github-token", #"gh[pousr]_[A-Za-z0-9]{36,255}"#,
            source: "github.blog/2021-04-05-behind-githubs-new-authentication-token-formats",
            examples: [
                "ghp_{alnum:36}", "gho_{alnum:36}", "ghu_{alnum:36}", "ghs_{alnum:36}", "ghr_{alnum:76}",
                "https://x-access-token:ghs_{alnum:36}@github.com/a/b.git",
            ], nearMisses: ["ghp_{alnum:20}", "ghx_{alnum:36}", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]),
        RedactionRule(
            // A number and a JWT, which has no boundary before it.
            "github-app-token", type: "github_token",
            #"gh[su]_[0-9]{1,12}_eyJ[A-Za-z0-9_\-]{8,1000}\.[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{10,1000}"#,
            trigger: #"gh[su]_[0-9]{1,12}_eyJ[A-Za-z0-9_\-]{8,1000}\.[A-Za-z0-9_\-]{8}"#,
            source:
                "docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app; github.blog/changelog/2026-04-24",
            examples: ["ghs_{digit:7}_eyJ{word:40}.eyJ{word:300}.{word:86}"],
            nearMisses: ["ghs_{digit:7}_eyJ{word:5}", "ghs_{digit:7}_{alnum:9}"]),
        RedactionRule(
            "github-fine-grained-token", type: "github_token", #"github_pat_[A-Za-z0-9_]{22,255}"#,
            source:
                "docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github",
            examples: ["github_pat_{alnum:22}_{alnum:59}"], nearMisses: ["github_pat_{alnum:9}"]),
        RedactionRule(
            "gitlab-token",
            #"\b(?:glpat|gldt|glrt|glrtr|glcbt|glptt|glft|glsoat|glimt|glagent|glwt|gloas|glffct)-[A-Za-z0-9_\-.]{20,300}"#,
            source: "docs.gitlab.com/security/tokens, token prefixes",
            examples: [
                "glpat-{word:20}", "gldt-{word:20}", "glrt-{word:20}", "gloas-{hex:64}",
                "glpat-{word:27}.{lowerdigit:9}",
            ],
            nearMisses: ["glpat-{word:10}"]),
        RedactionRule(
            "gitlab-runner-token", type: "gitlab_token", #"\bGR1348941[A-Za-z0-9_\-]{20}"#,
            source: "docs.gitlab.com/security/tokens, runner registration tokens", examples: ["GR1348941{word:20}"],
            nearMisses: ["GR1348941{word:9}"]),
        RedactionRule(
            "bitbucket-token", #"\bATBB[A-Za-z0-9]{24,40}\b"#,
            source: "support.atlassian.com/bitbucket-cloud/docs/app-passwords", examples: ["ATBB{alnum:32}"],
            nearMisses: ["ATBB{alnum:10}"]),
        RedactionRule(
            "atlassian-token", #"\bAT(?:ATT|CTT)3[A-Za-z0-9_\-=]{60,300}"#,
            source: "support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account",
            examples: ["ATATT3xFfGF0{word:180}={HEX:8}", "ATCTT3xFfGN0{word:180}={HEX:8}"],
            nearMisses: ["ATATT3{word:20}"]),
        RedactionRule(
            "trello-token", #"\bATTA[a-f0-9]{60,80}\b"#,
            source: "developer.atlassian.com/cloud/trello/guides/rest-api/authorization", examples: ["ATTA{hex:72}"],
            nearMisses: ["ATTA{hex:20}"]),
        RedactionRule(
            "sourcegraph-token", #"\bsg[pd]_(?:(?:[a-f0-9]{16}|local)_)?[a-f0-9]{40,64}\b"#,
            source: "sourcegraph.com/docs/cli/how-tos/creating_an_access_token",
            examples: ["sgp_{hex:40}", "sgp_{hex:16}_{hex:40}", "sgp_local_{hex:40}"], nearMisses: ["sgp_{hex:12}"]),
        RedactionRule(
            "circleci-token", #"\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[A-Fa-f0-9]{40}\b"#,
            source: "circleci.com/docs/managing-api-tokens",
            examples: ["CCIPAT_{alnum:22}_{hex:40}", "CCIPRJ_{alnum:22}_{hex:40}"],
            nearMisses: ["CCIPAT_{alnum:22}"]),
        RedactionRule(
            "buildkite-token", #"\bbk(?:ua|ct|aj|at|pt)_[A-Za-z0-9\-]{30,80}\b"#,
            source: "buildkite.com/docs/apis/managing-api-tokens", examples: ["bkua_{hex:40}"],
            nearMisses: ["bkua_{hex:10}"]),
        RedactionRule(
            "sonar-token", #"\bsq[upa]_[a-f0-9]{40}\b"#,
            source: "docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens",
            examples: ["squ_{hex:40}", "sqp_{hex:40}"],
            nearMisses: ["squ_{hex:20}"]),
        RedactionRule(
            "linear-key", #"\blin_(?:api_[A-Za-z0-9]{40}|oauth_[a-f0-9]{64})\b"#,
            source: "linear.app/developers/graphql, authentication",
            examples: ["lin_api_{alnum:40}", "lin_oauth_{hex:64}"],
            nearMisses: ["lin_api_{alnum:10}"]),
        RedactionRule(
            "launchdarkly-key", #"\b(?:sdk|mob|api)-[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[a-f0-9]{4}-[a-f0-9]{12}\b"#,
            source: "launchdarkly.com/docs/home/account/api", examples: ["sdk-{uuid}", "api-{uuid}"],
            nearMisses: ["{uuid}", "run-{uuid}"]),
        RedactionRule(
            "jetbrains-token", #"\bperm[:-][A-Za-z0-9+/=]{4,64}\.[A-Za-z0-9+/=\-]{2,64}\.[A-Za-z0-9]{30,60}\b"#,
            source: "jetbrains.com/help/hub/hub-permanent-tokens", examples: ["perm:{alnum:12}.{alnum:12}.{alnum:40}"],
            nearMisses: ["perm:{alnum:12}"]),
        RedactionRule(
            "codecov-uploader", #"\bCODECOV_TOKEN[\"' ]{0,2}[=:][\"' ]{0,2}([A-Fa-f0-9\-]{32,36})\b"#,
            source: "docs.codecov.com/docs/codecov-tokens",
            examples: ["CODECOV_TOKEN={uuid}", "CODECOV_TOKEN: {uuid}"],
            nearMisses: ["CODECOV_TOKEN=x"]),
        RedactionRule(
            "postman-key", #"\bPMA[KT]-[a-f0-9]{24}-[a-f0-9]{34}\b"#,
            source: "learning.postman.com/docs/developer/postman-api/authentication",
            examples: ["PMAK-{hex:24}-{hex:34}"],
            nearMisses: ["PMAK-{hex:24}"]),
        RedactionRule(
            "stackhawk-key", #"\b(hawk\.[A-Za-z0-9_\-]{20}\.[A-Za-z0-9_\-]{20})(?:[^\w\-]|$)"#,
            source: "docs.stackhawk.com/stackhawk-cli, API key", examples: ["hawk.{alnum:20}.{alnum:20}"],
            nearMisses: ["hawk.{alnum:20}"]),
        RedactionRule(
            "semgrep-token", #"\bsgp_[A-Za-z0-9]{50,70}\b"#,
            source: "semgrep.dev/docs/semgrep-ci, tokens",
            examples: ["sgp_{alnum:57}"], nearMisses: ["sgp_{alnum:10}"]),
        RedactionRule(
            "infracost-key", #"\bico-[A-Za-z0-9]{32}\b"#, source: "infracost.io/docs/supported_vcs, API key",
            examples: ["ico-{alnum:32}"], nearMisses: ["ico-{alnum:8}", "ico-menu"]),
        RedactionRule(
            "localstack-token", #"\bls-[A-Za-z0-9]{8}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{12}\b"#,
            source: "docs.localstack.cloud/aws/getting-started/auth-token", examples: ["ls-{uuid}"],
            nearMisses: ["ls-{alnum:8}"]),
        RedactionRule(
            "depot-token", #"\bdepot_(?:org|project|user)_[A-Za-z0-9]{40,80}\b"#,
            source: "depot.dev/docs/cli/authentication", examples: ["depot_org_{hex:64}"], nearMisses: ["depot_org_x"]),
    ]
}
