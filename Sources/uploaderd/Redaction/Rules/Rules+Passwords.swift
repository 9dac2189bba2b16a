/// What is called a password: in commands, code, configuration and SQL.
extension RedactionRule {
    /// What a password may begin with where it is not computed, described or empty.
    static let passwordBegin = #"[^\s"'`$<>(){}\[\],;&|\\]"#

    private static let environmentName =
        "(?:PASSWORD|PASSWD|PASSPHRASE|SSHPASS|(?:ADMIN|AUTH|DB|DATABASE|ROOT|USER|SMTP|MAIL|MYSQL|POSTGRES|REDIS)_PASS)"

    static let passwords: [RedactionRule] = [
        RedactionRule(
            "assigned-password", type: "password",
            #"(?i:\#(Assignment.passwordName)\#(Assignment.plain)|--pass(?:word|wd)?(?:[ \t]{1,2}|["'],\s{0,20}))["'`]?(\#(passwordBegin)(?:[^\s"'`]{5,255}|[^\n]{5}))"#,
            trigger:
                #"(?i:\#(Assignment.passwordName)\#(Assignment.beginning(#"["'`]?\#(passwordBegin)"#))|--pass(?:word|wd)?(?:[ \t]{1,2}|["'],\s{0,20})["'`]?\#(passwordBegin))"#,
            isMixed: true, extent: .assigned, source: Assignment.source,
            examples: [
                "password = \"hunt{digit:1}{alnum:8}\"", "DB_PASSWORD={alnum:8}7!x", "PGPASSWORD='a{alnum:12}4' psql",
                "pwd: x9{alnum:8}", "DB_PASSWORD=\"{alnum:6}1&{alnum:6}\"", "password: 'x9;{alnum:4}${alnum:4}'",
                "PASSWORD={alnum:9}&4{alnum:9};{alnum:9}", "mysql --password {alnum:12}9 db",
                "    password             = \"{alnum:11}9\"", "password:             {alnum:11}9",
                "const dbPassword\t\t\t= '{alnum:11}9';", "ROOT_PW={alnum:11}9", "SSHPASS={alnum:11}9",
                "[\"--password\", \"{alnum:11}9\"]",
            ],
            nearMisses: [
                "password: \"${DB_PASS1}\"", "password = \"{{ vault.db1 }}\"", "password: \"<your-1-password>\"",
                "password: \"must have 8 characters\"", "password = user_input[0]", "password: z.string().min(8)",
                "password: string", "password = getpass()", "password=", "the password: required field",
                "password     varchar(255) not null", "password      = get_password(1)",
            ]),
        RedactionRule(
            "declared-password", type: "password",
            #"(?:(?i:\#(Assignment.passwordName)\#(Assignment.declaration))|(?:PASSWORD|PASSWD|PASSPHRASE|_PASS|_PWD?)\#(Assignment.argument))(\#(passwordBegin)[^\n]{5})"#,
            trigger:
                #"(?:(?i:\#(Assignment.passwordName)\#(Assignment.beginningOfDeclaration))|(?:PASSWORD|PASSWD|PASSPHRASE|_PASS|_PWD?)\#(Assignment.argument))"#,
            isMixed: true, extent: .assigned, source: Assignment.source,
            examples: [
                "let password: String = \"{alnum:11}9\"", "const dbPassword string = \"{alnum:11}9\"",
                "os.getenv(\"DB_PASSWORD\", \"{alnum:11}9\")", "define('DB_PASS', '{alnum:11}9');",
            ],
            nearMisses: [
                "let password: String = \"\\(user.password1)\"", "[\"username\", \"password\", \"address1\"]",
                "os.getenv(\"DB_PASSWORD\", \"\")", "password: string | undefined",
            ]),
        RedactionRule(
            "named-password", type: "password",
            #"(?i:\#(Assignment.passwordName)\#(Assignment.pair))(\#(passwordBegin)[^\n]{5})"#,
            trigger: #"(?i:\#(Assignment.passwordName)\#(Assignment.pair))\#(passwordBegin)"#,
            isMixed: true, extent: .assigned,
            source: "kubernetes.io/docs, Pod, EnvVar; docs.aws.amazon.com/AmazonECS, KeyValuePair",
            examples: [
                "- name: DB_PASSWORD\n  value: \"{alnum:11}9\"", "- name: DB_PASSWORD\n  value: {alnum:11}9\n",
                "{\"name\":\"DB_PASSWORD\",\"value\":\"{alnum:11}9\"}",
                "<add key=\"DbPassword\" value=\"{alnum:11}9\" />",
                "ParameterKey=DbPassword,ParameterValue={alnum:11}9",
            ],
            nearMisses: [
                "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db1-secret",
                "<input type=\"password\" value=\"{{ form.password1 }}\">", "name: DB_PASSWORD\n  value: $(PASSWORD_1)",
            ]),
        RedactionRule(
            "markdown-password", type: "password",
            #"(?i:\#(Assignment.passwordName)):\*\*[ \t]{1,3}["'`]?(\#(passwordBegin)[^\n]{5})"#, isMixed: true,
            extent: .assigned, source: "spec.commonmark.org, emphasis",
            examples: ["- **Password:** {alnum:11}9", "**DB password:** `{alnum:11}9`"],
            nearMisses: ["**Password:** must have 8 characters", "**Password:** `$PASSWORD1`"]),
        RedactionRule(
            // In a table, as psql(1) and Markdown have them, and behind a command: setenv, set -x, ENV.
            "listed-password", type: "password",
            #"(?:(?:[A-Z]_PASS|PASSWORD|PASSWD|[A-Z]_PWD)[ \t]{1,40}|(?i:\#(Assignment.passwordName))["'`]?[ \t]{0,40}\|[ \t]{1,40})["'`]?(\#(passwordBegin)[^\n]{5})"#,
            trigger:
                #"(?:(?:[A-Z]_PASS|PASSWORD|PASSWD|[A-Z]_PWD)[ \t]{1,3}["'`]?[^\s|]|(?i:\#(Assignment.passwordName))["'`]?(?:[ \t]{4}|[ \t]{0,3}\|))"#,
            isMixed: true, extent: .assigned, source: "csh(1), setenv; psql(1); spec.commonmark.org, tables",
            examples: [
                "setenv DB_PASSWORD {alnum:11}9", "set -x ADMIN_PASS '{alnum:11}9'", "DB_PASSWORD          {alnum:11}9",
                "| DB_PASSWORD | {alnum:11}9 |", "| `DB_PASSWORD` | `{alnum:11}9` |", "password  | {alnum:11}9\n",
            ],
            nearMisses: [
                "DB_PASSWORD is set in env1", "| password | string | at least 8 |", "password | character varying(255)",
                "PASSWORD VARCHAR(255)", "setenv DB_PASSWORD $OTHER1",
            ]),
        RedactionRule(
            "called-password", type: "password",
            #"(?i:(?:\.|->)(?:set_?|with_?)?(?:password|passwd|passphrase|pwd)\(["'])(\#(passwordBegin)[^\n]{5})"#,
            isMixed: true, extent: .assigned, source: Assignment.source,
            examples: [".password(\"{alnum:11}9\")", "$x->setPassword('{alnum:11}9');"],
            nearMisses: [".password(\"must have 8 characters\")", ".password(\"${DB_PASS1}\")", ".password(password1)"]),
        RedactionRule(
            "element-password", type: "password",
            #"(?i:\#(Assignment.passwordName)\#(Assignment.element))([^<>\s{}$][^<>\s]{5,127})</"#,
            trigger: #"(?i:\#(Assignment.passwordName)\#(Assignment.element))[^<>\s{}$]"#, isMixed: true,
            source: "maven.apache.org/settings; plist(5)",
            examples: [
                "<server><username>me</username><password>{alnum:11}9</password></server>",
                "<string name=\"db_password\">{alnum:11}9</string>",
            ],
            nearMisses: ["<password>${env.PASSWORD1}</password>", "<label for=\"password\">Password</label>"]),
        RedactionRule(
            // The first letter of `requirepass` and `bindpw` may be an escape's.
            "command-password", type: "password",
            #"(?:(?i:-(?:passphrase|storepass|keypass)|equirepass|masterauth|indpw|storePassword|keyPassword)[ \t]{1,20}|\b(?:docker|podman|buildah|registry)[ \t]login[ \t](?:[^\n|;&]{0,120}?[ \t])?-p[ \t]{1,3})["']?(\#(passwordBegin)[^\n]{5})"#,
            trigger:
                #"(?:(?i:-(?:passphrase|storepass|keypass)|equirepass|masterauth|indpw|storePassword|keyPassword)[ \t]{1,20}|\b(?:docker|podman|buildah|registry)[ \t]login[ \t](?:[^\n|;&]{0,120}[ \t])?-p[ \t]{1,3})"#,
            isMixed: true, extent: .assigned,
            source: "gpg(1); keytool(1); redis.conf; ldap.conf(5); docker login(1)",
            examples: [
                "gpg --batch --passphrase {alnum:11}9 -d f", "keytool -storepass {alnum:11}9 x",
                "requirepass {alnum:11}9", "storePassword \"{alnum:11}9\"",
                "docker login -u me -p {alnum:11}9 r.internal",
            ],
            nearMisses: [
                "gpg --passphrase-fd 0", "requirepass foobared", "docker login -u me --password-stdin r1.internal",
                "docker login -p $TOKEN1 x",
            ]),
        RedactionRule(
            "sql-password", type: "password",
            #"(?i:(?:\bidentified|password)[ \t]{1,3}by[ \t]{1,3}["']|\bpassword[ \t]{1,3}'|\bset[ \t]{1,3}password[ \t][^=\n;]{0,80}=[ \t]{0,3}(?:password[ \t]?\()?')([^\s"'<>$][^\n"]{3,127})"#,
            trigger:
                #"(?i:(?:\bidentified|password)[ \t]{1,3}by[ \t]{1,3}["']|\bpassword[ \t]{1,3}'|\bset[ \t]{1,3}password[ \t][^=\n;]{0,80}=[ \t]{0,3}(?:password[ \t]?\()?')"#,
            isMixed: true, extent: .assigned,
            source:
                "dev.mysql.com/doc, CREATE USER, SET PASSWORD; postgresql.org/docs, CREATE ROLE; Oracle, CREATE USER",
            examples: [
                "CREATE USER app WITH PASSWORD '{alnum:11}9';", "CREATE USER 'a'@'%' IDENTIFIED BY '{alnum:11}9';",
                "SET PASSWORD FOR 'a'@'%' = '{alnum:11}9';", "identified by \"{alnum:11}9\"",
                "IDENTIFIED WITH mysql_native_password BY '{alnum:11}9'",
            ],
            nearMisses: [
                "WITH PASSWORD 'md5' ", "the password 'must have 8 characters'", "IDENTIFIED BY '$PASSWORD1'",
                "with password \"x1\"",
            ]),
        RedactionRule(
            "odbc-password", type: "password", #"(?i:\bpwd=|\bpassword=)\{([^{}\s"]{4,128})\}"#, isMixed: true,
            source: "learn.microsoft.com/sql/connect/odbc, connection string keywords",
            examples: ["Driver={ODBC Driver 18};UID=sa;PWD={{alnum:11}9};"],
            nearMisses: ["PWD={0};UID={1}", "f\"pwd={password}\""]),
        RedactionRule(
            // In an environment a word is one, too: nothing else stands there.
            "environment-password", type: "password",
            #"\#(environmentName)=["']?([A-Za-z][^\s"'`$(){}\[\]<>]{5,127})"#,
            trigger: #"\#(environmentName)=["']?[A-Za-z]"#, extent: .assigned,
            source: "environ(7); the environment files of systemd, Docker and dotenv",
            examples: [
                "POSTGRES_PASSWORD={alpha:9}", "export DB_PASSWORD='{alpha:12}'", "MYSQL_PASSWD={alpha:8}\n",
                "ADMIN_PASS={alpha:12}",
            ],
            nearMisses: [
                "PASSWORD=$1", "DB_PASSWORD=password", "PASSWORD=getpass(prompt)", "PASSWORD=os.environ[\"X\"]",
                "DB_PASSWORD=", "DB_PASSWORD=changeme", "FIRST_PASS=inliner",
            ]),
    ]
}
