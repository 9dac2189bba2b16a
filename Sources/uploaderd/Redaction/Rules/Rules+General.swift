/// Secrets by their structure, whosever they are, and what is called one.
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
            #"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\["'<>`{}|\\]{0,128}:([^\s/@"'<>`{}|\\$][^\s/"'<>`{}\\]{2,255})@[A-Za-z0-9\[]"#,
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
            #"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\["'<>`{}|\\]{0,128}:([0-9]{0,5}[^\s/@"'<>`{}|\\$0-9][^\s/@"'<>{}\\]{0,128}[/`][^\s@"'<>{}\\]{0,128})@[A-Za-z0-9\[]"#,
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
            #"(?i:\bbearer[ \t]{1,3}|\bauthorization["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}token[ \t]{1,3})([A-Za-z0-9_.~+/\-]{16,4000}={0,2})"#,
            trigger:
                #"(?i:\bbearer[ \t]{1,3}|\bauthorization["']{0,2}[ \t]{0,2}[:=][ \t]{0,2}["']{0,2}token[ \t]{1,3})[A-Za-z0-9_.~+/\-]{16}"#,
            entropy: 3, isMixed: true, source: "RFC 6750, section 2.1",
            examples: ["Authorization: Bearer {word:40}", "curl -H 'authorization: token {hex:40}'"],
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
            examples: ["sshpass -p {alnum:9} ssh root@10.0.0.1", "sshpass -p '{alnum:6}7 {alnum:4}' scp a b:"],
            nearMisses: ["sshpass -p \"$PASSWORD\" ssh host", "sshpass -f file ssh host"]),
        RedactionRule(
            "mysql-password",
            #"\b(?:mysql|mariadb)(?:dump|admin|import|-dump|-admin)?[ \t](?:[^\n|;&]{0,120}?[ \t])?-p["']?([^\s"'`$<=\-][^\s"'|;]{3,127})"#,
            source: "mysql(1), -p: the password follows directly",
            examples: ["mysql -h db -u root -p{alnum:10} app", "mysqldump -uroot -p'{alnum:9}' app > app.sql"],
            nearMisses: ["mysql -u root -p app", "mysql -u root -p$PASSWORD app", "mysql app | tar -pxzf a"]),
    ]

    private static let passwordName =
        #"(?i:(?:password|passwd|passphrase|pwd|_pass)["'\]]{0,2}[ \t]{0,3}(?:=>|:=|[:=])[ \t]{0,3}|--pass(?:word|wd)?[ \t]{1,2})"#

    /// What a password may begin with where it is not computed, described or empty.
    private static let passwordBegin = #"[^\s"'`$<>(){}\[\],;&|\\]"#

    static let general: [RedactionRule] = [
        RedactionRule(
            "assigned-secret", type: "assigned_secret",
            #"(?i:(?:api|access|secret|private|auth|encryption|signing|master|service|account|admin|deploy)[_\-. ]?key(?:[_\-]?id)?|secret|token|credential)["'\]]{0,2}[ \t]{0,3}(?:=>|:=|[:=])[ \t]{0,3}["'`]{0,1}([A-Za-z0-9_.+/~\-]{16,256}={0,2})(?:[^A-Za-z0-9_.(\[+/~\-]|$)"#,
            entropy: 3.5, isMixed: true,
            source: "OWASP Secrets Management Cheat Sheet: secrets are found by the names that they are assigned to",
            examples: [
                "api_key = \"7{alnum:31}\"", "SECRET={alnum:20}4{alnum:3}", "MY_AUTH_TOKEN: {alnum:9}3{alnum:12}",
                "{\"service_key\": \"1{alnum:39}\"}", "clientSecret: '{alnum:12}6{alnum:24}'",
            ],
            nearMisses: [
                "max_tokens: 4096", "token = getToken(request)", "secret: kubernetes-secret-name",
                "api_key = os.environ[\"API_KEY\"]",
                "token: string;", "access_key = self.settings.aws_key",
            ]),
        RedactionRule(
            "assigned-password", type: "password",
            passwordName + #"["'`]?("# + passwordBegin + #"(?:[^\s"'`]{5,255}|[^\n]{5}))"#,
            trigger: passwordName + #"["'`]?"# + passwordBegin, isMixed: true, extent: .assigned,
            source: "OWASP Secrets Management Cheat Sheet: secrets are found by the names that they are assigned to",
            examples: [
                "password = \"hunt{digit:1}{alnum:8}\"", "DB_PASSWORD={alnum:8}7!x", "PGPASSWORD='a{alnum:12}4' psql",
                "pwd: x9{alnum:8}", "DB_PASSWORD=\"{alnum:6}1&{alnum:6}\"", "password: 'x9;{alnum:4}${alnum:4}'",
                "PASSWORD={alnum:9}&4{alnum:9};{alnum:9}", "mysql --password {alnum:12}9 db",
            ],
            nearMisses: [
                "password: \"${DB_PASS1}\"", "password = \"{{ vault.db1 }}\"", "password: \"<your-1-password>\"",
                "password: \"must have 8 characters\"", "password = user_input[0]", "password: z.string().min(8)",
                "password: string", "password = getpass()", "password=", "the password: required field",
            ]),
        RedactionRule(
            // In an environment a word is one, too: nothing else stands there.
            "environment-password", type: "password",
            #"(?:PASSWORD|PASSWD|PASSPHRASE)=["']?([A-Za-z][^\s"'`$(){}\[\]<>]{5,127})"#,
            trigger: #"(?:PASSWORD|PASSWD|PASSPHRASE)=["']?[A-Za-z]"#, extent: .assigned,
            source: "environ(7); the environment files of systemd, Docker and dotenv",
            examples: ["POSTGRES_PASSWORD={alpha:9}", "export DB_PASSWORD='{alpha:12}'", "MYSQL_PASSWD={alpha:8}\n"],
            nearMisses: [
                "PASSWORD=$1", "DB_PASSWORD=password", "PASSWORD=getpass(prompt)", "PASSWORD=os.environ[\"X\"]",
                "DB_PASSWORD=", "DB_PASSWORD=changeme",
            ]),
    ]
}
