/// Where packages and images are published.
extension RedactionRule {
    static let packages: [RedactionRule] = [
        RedactionRule(
            "npm-token", #"\bnpm_[A-Za-z0-9]{36}\b"#,
            source: "docs.npmjs.com/about-access-tokens; github.blog/2021-09-23, new npm token format",
            examples: ["npm_{alnum:36}"], nearMisses: ["npm_{alnum:12}", "npm_config_registry"]),
        RedactionRule(
            "npmrc-auth", type: "npm_token",
            #"(?::_authToken|:_password|(?:^|[^\w.])_auth)[ \t]{0,3}=[ \t]{0,3}"?([A-Za-z0-9_\-+/=.]{16,300})"#,
            source: "docs.npmjs.com/cli/configuring-npm/npmrc, auth related configuration",
            examples: [
                "//registry.npmjs.org/:_authToken={uuid}", "//r.x.org/:_password={base64:24}", "_auth={base64:27}=",
            ],
            nearMisses: [
                "//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "always_auth=true", "self._auth = self._build_auth(x)",
            ]),
        RedactionRule(
            "pypi-token", #"\bpypi-AgE[A-Za-z0-9_\-]{50,500}"#,
            source: "docs.pypi.org/api/secrets; pypi.org/help/#apitoken",
            examples: ["pypi-AgEIcHlwaS5vcmc{word:120}", "pypi-AgENdGVzdC5weXBpLm9yZw{word:120}"],
            nearMisses: ["pypi-AgE{word:9}"]),
        RedactionRule(
            "rubygems-key", #"\brubygems_[a-f0-9]{48}\b"#, source: "guides.rubygems.org/api-key-scopes",
            examples: ["rubygems_{hex:48}"], nearMisses: ["rubygems_{hex:12}"]),
        RedactionRule(
            "crates-token", #"\bcio[A-Za-z0-9]{32}\b"#, entropy: 3.5,
            source: "doc.rust-lang.org/cargo/reference/publishing.html; crates.io, token prefix",
            examples: ["cio{alnum:20}4{alnum:11}"], nearMisses: ["cio{alnum:12}"]),
        RedactionRule(
            "nuget-key", #"\boy2[a-z0-9]{43}\b"#, source: "learn.microsoft.com/nuget/nuget-org/publish-a-package",
            examples: ["oy2{lowerdigit:43}"], nearMisses: ["oy2{lowerdigit:12}"]),
        RedactionRule(
            "clojars-token", #"(?i)\bCLOJARS_[a-f0-9]{60}\b"#,
            source: "github.com/clojars/clojars-web/wiki/Deploy-Tokens",
            examples: ["CLOJARS_{hex:60}"], nearMisses: ["CLOJARS_USERNAME"]),
        RedactionRule(
            "packagist-token", #"\bpackagist_(?:or|ac)[a-z]_[A-Fa-f0-9]{60,80}\b"#,
            source: "packagist.com/docs/api-authentication",
            examples: ["packagist_ort_{hex:68}"], nearMisses: ["packagist_org"]),
        RedactionRule(
            "docker-hub-token", #"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{24,40}"#,
            source: "docs.docker.com/security/access-tokens",
            examples: ["dckr_pat_{word:27}", "dckr_oat_{word:32}"], nearMisses: ["dckr_pat_{word:9}"]),
        RedactionRule(
            "artifactory-key", #"\b(?:AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59})\b"#,
            source: "jfrog.com/help/r/jfrog-platform-administration-documentation/introduction-to-access-tokens",
            examples: ["AKCp{alnum:69}", "cmVmd{alnum:59}"], nearMisses: ["AKCp{alnum:20}"]),
        RedactionRule(
            "anaconda-token", #"\b[a-z]{2}-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}(?:@|/)conda\b"#,
            source: "docs.anaconda.com/anacondaorg/user-guide/work-with-accounts, tokens in channel addresses",
            examples: ["https://conda.anaconda.org/t/an-{uuid}/conda"], nearMisses: ["an-{uuid}"]),
        RedactionRule(
            "hex-pm-key", #"\bHEX_API_KEY[ \t]{0,3}[=:][ \t]{0,3}["']?([a-f0-9]{32})\b"#,
            source: "hex.pm/docs/publish, HEX_API_KEY",
            examples: ["HEX_API_KEY={hex:32}"], nearMisses: ["HEX_HOME={hex:32}"]),
    ]
}
