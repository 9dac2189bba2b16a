/// Secrets by their structure, whosever they are.
extension RedactionRule {
    static let structural: [RedactionRule] = [
        RedactionRule(
            "private-key",
            // Behind the label come headers, then lines of base64, with what code, diffs and listings put before each: words
            // are none. The end may be missing.
            #"-----BEGIN[ A-Z0-9_\-]{0,60}PRIVATE KEY(?: BLOCK)?-----"#
                + #"[^A-Za-z0-9+/=]{0,40}(?:(?:[A-Za-z][A-Za-z\-]{1,30}: [^\n]{0,200}\n|[0-9]{1,6}[^A-Za-z0-9+/=]|\+[^A-Za-z0-9+/=])[^A-Za-z0-9+/=]{0,40}){0,12}"#
                + #"[A-Za-z0-9+/=]{32,9000}(?:[^A-Za-z0-9+/=]{0,40}(?:[0-9]{1,6}[^A-Za-z0-9+/=]{1,40})?[A-Za-z0-9+/=]{16,160}){0,180}"#
                + #"(?:[^A-Za-z0-9+/=]{0,40}(?:[A-Za-z0-9+/=]{1,15}[^A-Za-z0-9+/=]{1,40}){0,3}?-----END[ A-Z0-9_\-]{0,60}-----|[A-Za-z0-9+/=]{0,15})"#,
            trigger: #"-----BEGIN[ A-Z0-9_\-]{0,60}PRIVATE KEY(?: BLOCK)?-----"#,
            source: "RFC 7468, sections 10 and 11; RFC 4716; RFC 9580, section 6.2",
            examples: [
                "-----BEGIN RSA PRIVATE KEY-----\n{base64:64}\n{base64:64}\n{base64:20}==\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{base64:70}\n-----END OPENSSH PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----\n{base64:64}\n-----END PRIVATE KEY-----",
                "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{base64:64}\n-----END PGP PRIVATE KEY BLOCK-----",
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,{hex:32}\n\n{base64:64}\n{base64:9}\n-----END EC",
                "1\t-----BEGIN PRIVATE KEY-----\n2\t{base64:64}\n3\t{base64:64}\n4\t-----END PRIVATE KEY-----",
                "+-----BEGIN PRIVATE KEY-----\n+{base64:64}\n+{base64:64}\n+-----END PRIVATE KEY-----",
                "'-----BEGIN PRIVATE KEY-----\\n' +\n  '{base64:64}\\n' +\n  '-----END PRIVATE KEY-----'",
                "-----BEGIN PRIVATE KEY-----\n{base64:64}\n{base64:64}\n{base64:11}",
            ],
            nearMisses: [
                "begins with -----BEGIN PRIVATE KEY----- and then comes what is written about a key, and no key",
                "a = \"-----BEGIN PRIVATE KEY-----\"\n    lines = wrap(encoded)\n    b = \"-----END PRIVATE KEY-----\"",
                "-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----",
                "-----BEGIN CERTIFICATE-----\n{base64:64}\n-----END CERTIFICATE-----",
            ]),
        RedactionRule(
            "private-key-lines", type: "private_key", #"-----BEGIN[ A-Z0-9_\-]{0,60}PRIVATE KEY(?: BLOCK)?-----"#,
            extent: .lines,
            source: "RFC 7468, sections 10 and 11; what grep, logs, diffs and code put before each line",
            examples: [
                "k/id:1:-----BEGIN PRIVATE KEY-----\nk/id:2:{base64:60}Aa09\nk/id:3:{base64:64}\nk/id:4:-----END PRIVATE KEY-----",
                "k/id-9-x\nk/id:10:-----BEGIN PRIVATE KEY-----\nk/id-11-{base64:60}Aa09\nk/id-12-{base64:64}\nk/id-13-{base64:9}",
                "app-1  | -----BEGIN RSA PRIVATE KEY-----\napp-1  | {base64:60}Aa09\napp-1  | {base64:20}==\napp-1  | -----END RSA",
                "+    -----BEGIN PRIVATE KEY-----\n+    {base64:60}Aa09\n+    {base64:64}\n+    -----END PRIVATE KEY-----",
                "  \"-----BEGIN EC PRIVATE KEY-----\n\" +\n  \"{base64:60}Aa09\n\" +\n  \"{base64:64}\n\" +\n  \"{base64:9}\n\" +\n",
            ],
            nearMisses: [
                "a:1:-----BEGIN PRIVATE KEY-----\na:2:{base64:10}\na:3:-----END PRIVATE KEY-----",
                "a:1:-----BEGIN PRIVATE KEY-----\nb:2:{base64:60}Aa09\nb:3:{base64:64}\n",
                "a:1:-----BEGIN PUBLIC KEY-----\na:2:{base64:60}Aa09\na:3:{base64:64}\n",
                "the label -----BEGIN PRIVATE KEY-----\nis followed by\nlines of base64\n",
            ]),
        RedactionRule(
            "private-key-end", type: "private_key", #"-----END[ A-Z0-9_\-]{0,60}PRIVATE KEY(?: BLOCK)?-----"#,
            extent: .linesBefore, source: "RFC 7468, sections 2, 10 and 11; what tail(1) shows of such a file",
            examples: [
                "$ tail k\n{base64:60}Aa09\n{base64:60}bB18\n{base64:20}==\n-----END RSA PRIVATE KEY-----",
                "k/id-6-\nk/id:7:{base64:60}Aa09\nk/id:8:{base64:9}\nk/id:9:-----END PRIVATE KEY-----",
                ">\n{base64:66}Aa09\n{base64:66}bB18\n-----END OPENSSH PRIVATE KEY-----\n",
                ">\n{base64:60}Aa09\n{base64:32}\n={base64:4}\n-----END PGP PRIVATE KEY BLOCK-----",
            ],
            nearMisses: [
                "{base64:60}Aa09\n{base64:20}==\n-----END CERTIFICATE-----",
                "{base64:60}Aa09\n{base64:20}==\n-----END PUBLIC KEY-----",
                "it ends with\n-----END PRIVATE KEY-----", "a = \"{base64:60}\"\nb = 1\n-----END PRIVATE KEY-----",
                "theNameOfSomethingThatIsLong1\n-----END PRIVATE KEY-----",
                "{base64:60}Aa09\n-----END CERTIFICATE-----\n-----END PRIVATE KEY-----",
            ]),
        RedactionRule(
            // Of the label `PRIVATE` at each of the three places that it can have in what is encoded.
            "encoded-private-key", type: "private_key",
            #"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,40}(?:UFJJVkFUR|QUklWQVRF|BSSVZBVE)[A-Za-z0-9+/]{24,9000}(?:[^A-Za-z0-9+/=]{1,20}[A-Za-z0-9+/]{16,80}){0,300}={0,2}"#,
            trigger: #"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,40}(?:UFJJVkFUR|QUklWQVRF|BSSVZBVE)[A-Za-z0-9+/]{24}"#,
            source: "RFC 4648, section 4, of RFC 7468, sections 10 and 11",
            examples: [
                "tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t{base64:400}=",
                "KEY=LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ{base64:600}==",
                "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS0K{base64:28}\n{base64:76}\n{base64:76}\n{base64:30}==",
            ],
            nearMisses: ["tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{base64:400}="]),
        RedactionRule(
            "jwt", #"\beyJ[A-Za-z0-9_\-]{8,4000}\.eyJ[A-Za-z0-9_\-]{8,8000}\.[A-Za-z0-9_\-]{10,2000}"#,
            trigger: #"\beyJ[A-Za-z0-9_\-]{8,4000}\.eyJ[A-Za-z0-9_\-]{8}"#,
            source: "RFC 7519, section 3.1; RFC 7515, section 7.1",
            examples: ["eyJhbGciOiJIUzI1NiJ9.eyJ{word:60}.{word:43}", "eyJ{word:40}.eyJ{word:300}.{word:342}"],
            nearMisses: ["eyJhbGciOiJIUzI1NiJ9", "eyJ{word:40}.abc.def"]),
        RedactionRule(
            "url-token", #"\bhttps?://([A-Za-z0-9_\-]{20,255})(?::(?:x-oauth-basic|x-token-auth)?)?@[A-Za-z0-9\[]"#,
            entropy: 3.5, isMixed: true,
            source: "RFC 3986, section 3.2.1; what git hosts take for a user in a remote's URL",
            examples: [
                "https://{alnum:30}7{alnum:9}@git.internal/a/b.git",
                "https://{alnum:30}7{alnum:9}:x-oauth-basic@git.internal/a/b.git",
            ],
            nearMisses: ["https://git@github.com/x", "https://somebody-with-a-long-name@git.internal/x"]),
        RedactionRule(
            // To the last `@`: people write what should be escaped as it is.
            "url-password",
            #"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\["'<>`{}|\\]{0,128}:([^\s/@"'<>`{}|\\$][^\s/"'<>`{}\\]{2,255})@[A-Za-z0-9\[]"#,
            source: "RFC 3986, section 3.2.1; the connection strings of PostgreSQL, MySQL, MongoDB, Redis, AMQP",
            examples: [
                "postgres://user:{alnum:12}@db.internal:5432/app",
                "postgres://app:P@{alnum:9}$|{alnum:4}@db.internal/x", "mongodb+srv://u:{alnum:16}@c.mongodb.net",
                "redis://:{alnum:20}@10.0.0.1:6379", "https://me:{alnum:14}@git.internal/x.git",
            ],
            nearMisses: [
                "https://host:8080/path@2", "postgres://user:password@localhost/db", "postgres://user:${PW}@h/db",
                "ssh://git@host/x",
            ]),
        RedactionRule(
            // A slash that should be escaped, too: digits before it are a port.
            "url-password-slash", type: "url_password",
            #"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\["'<>`{}|\\]{0,128}:([0-9]{0,5}[^\s/@"'<>`{}|\\$0-9][^\s/@"'<>{}\\]{0,128}[/`][^\s@"'<>{}\\]{0,128})@[A-Za-z0-9\[]"#,
            isMixed: true,
            source: "RFC 3986, section 3.2.1; passwords of databases in base64",
            examples: [
                "postgres://user:{alnum:5}7/{alnum:6}@db.internal:5432/app", "amqp://u:{alnum:6}`4{alnum:6}@mq",
            ],
            nearMisses: [
                "https://host:8080/path@2", "https://proxy:PORT/path/@v2/list", "http://localhost:3000/x7/@Y2",
            ]),
        RedactionRule(
            "bearer-token",
            #"(?i:\bbearer[ \t]{1,3}|\bauthorization["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}(?:token|apikey)[ \t]{1,3})([A-Za-z0-9_.~+/\-]{16,4000}={0,2})"#,
            trigger:
                #"(?i:\bbearer[ \t]{1,3}|\bauthorization["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}(?:token|apikey)[ \t]{1,3})[A-Za-z0-9_.~+/\-]{16}"#,
            entropy: 3, isMixed: true, source: "RFC 6750, section 2.1",
            examples: [
                "Authorization: Bearer {word:40}", "curl -H 'authorization: token {hex:40}'",
                "Authorization: ApiKey {word:40}==",
            ],
            nearMisses: ["Bearer authentication-with-a-token", "Authorization: Bearer $TOKEN"]),
        RedactionRule(
            "basic-auth",
            #"(?i:\bauthorization["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}basic[ \t]{1,3})([A-Za-z0-9+/]{8,1000}={0,2})"#,
            source: "RFC 7617, section 2",
            examples: ["Authorization: Basic {base64:32}", "\"Authorization\": \"Basic {base64:22}==\""],
            nearMisses: ["Authorization: Basic"]),
        RedactionRule(
            "cookie-session",
            #"(?i:\b(?:set-)?cookie["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}[^"\n]{0,400}?(?:session|sess|sid|auth|token|jwt)[\w\-]{0,20}=)([A-Za-z0-9_.%+/=\-]{16,2000})"#,
            trigger:
                #"(?i:\b(?:set-)?cookie["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}[^"\n]{0,400}(?:session|sess|sid|auth|token|jwt)[\w\-]{0,20}=)[A-Za-z0-9_.%+/=\-]{16}"#,
            entropy: 3, source: "RFC 6265, section 4.1",
            examples: ["Cookie: theme=dark; sessionid={lowerdigit:32}", "Set-Cookie: auth_token={word:40}; HttpOnly"],
            nearMisses: ["Cookie: theme=dark", "a cookie: session=x"]),
        RedactionRule(
            "curl-user",
            #"\bcurl\b[^\n]{0,300}?[ \t](?:-u|--user)[ =]{0,2}["']?[^\s:"'$]{1,64}:["']?([^\s"'$][^\n"]{3,127})"#,
            trigger: #"\bcurl\b[^\n]{0,300}[ \t](?:-u|--user)[ =]{0,2}["']?[^\s:"'$]{1,64}:["']?[^\s"'$][^\n"]{3}"#,
            extent: .behindUser,
            source: "curl(1), --user",
            examples: [
                "curl -s -u admin:{alnum:12} https://x", "curl -H \"A: b\" -u 'admin:{alnum:8}$${alnum:3}' https://x",
            ],
            nearMisses: ["curl -u $USER:$PASS https://x", "curl -u admin https://x"]),
        RedactionRule(
            "netrc-password",
            #"\bmachine[ \t]{1,8}[^\s"']{1,255}\s{1,16}login\s{1,8}[^\s"']{1,128}\s{1,16}password\s{1,8}([^\s"'$<{][^\s"']{3,255})"#,
            source: "netrc(5)",
            examples: [
                "machine git.internal login me password {alnum:12}",
                "machine api.internal\n  login somebody\n  password {alnum:9}&{alnum:4}\n",
            ],
            nearMisses: [
                "machine git.internal login me password $PASSWORD",
                "a machine may ask for the login and password again",
            ]),
        RedactionRule(
            "sshpass-password", #"\bsshpass[ \t]{1,4}-p[ \t]{0,4}["']?([^\s"'`$<-][^\n"]{3,127})"#,
            trigger: #"\bsshpass[ \t]{1,4}-p"#, extent: .assigned, source: "sshpass(1), -p",
            examples: ["sshpass -p {alnum:9} ssh root@10.0.0.1", "sshpass -p '{alnum:11}7' scp a b:"],
            nearMisses: ["sshpass -p \"$PASSWORD\" ssh host", "sshpass -f file ssh host"]),
        RedactionRule(
            "mysql-password",
            #"\b(?:mysql|mariadb)(?:dump|admin|import|-dump|-admin)?[ \t](?:[^\n|;&]{0,120}?[ \t])?-p["']?([^\s"'`$<=\-][^\s"'|;]{3,127})"#,
            source: "mysql(1), -p: the password follows directly",
            examples: ["mysql -h db -u root -p{alnum:10} app", "mysqldump -uroot -p'{alnum:9}' app > app.sql"],
            nearMisses: ["mysql -u root -p app", "mysql -u root -p$PASSWORD app", "mysql app | tar -pxzf a"]),
    ]
}
