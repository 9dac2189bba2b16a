/// What is assigned to a secret's name, or stands in a URL, as it is written in a URL itself: `PASSWORD%3Dx`, `postgres%3A//u%3Ax%40h`.
extension RedactionRule {
    private static let encodedName =
        "(?:password|passwd|passphrase|secret|api_?key|auth_?token|access_?token|access_?key)"

    /// What needs no encoding, and the marks of base64; a value ends with a quote, a blank or another parameter.
    private static let encodedForm = #"(?:[A-Za-z0-9._~!*()/\-]|%(?:2[13BbDdFf]|3[DdFf]|5[Ee]|40))"#

    static let encoded: [RedactionRule] = [
        RedactionRule(
            "encoded-secret", type: "assigned_secret",
            #"(?:(?i:\#(encodedName))|[A-Z]_(?:TOKEN|PASS|PW))(?:%22)?%3[AaDd](?:%20|\+)?(?:%2[27])?([A-Za-z0-9._~\-]\#(encodedForm){7,160})"#,
            trigger: #"(?:(?i:\#(encodedName))|[A-Z]_(?:TOKEN|PASS|PW))(?:%22)?%3[AaDd]"#,
            entropy: 3, isMixed: true, source: "RFC 3986, section 2.1; \(Assignment.source)",
            examples: [
                "x=DB_PASSWORD%3D{alnum:11}9", "%22password%22%3A%20%22{alnum:11}9%22", "API_KEY%3Dsk-{alnum:11}9",
                "AWS_SECRET_ACCESS_KEY%3D{alnum:20}7{alnum:9}%2B{alnum:9}",
            ],
            nearMisses: ["password%3D%22%22", "secret%3Da-name-of-one", "max_token%3D4096", "password%3A%20required"]),
        RedactionRule(
            "encoded-url-password", type: "url_password",
            #"%3[Aa](?://|%2[Ff]%2[Ff])[^\s:/@%"'<>&]{0,64}%3[Aa]((?:[^\s:/@%"'<>&]|%(?:2[0-9A-Ea-e]|3[B-Fb-f]|5[0-9A-Fa-f])){4,128})%40"#,
            source: "RFC 3986, sections 2.1 and 3.2.1",
            examples: ["x=postgres%3A//app%3A{alnum:12}%40db/x", "u=redis%3A%2F%2F%3A{alnum:12}%40cache"],
            nearMisses: ["u=https%3A%2F%2Fhost%3A8080%2Fa%40b", "u=https%3A//git%40github.com/x"]),
    ]
}
