/// Passwords that programs are given on their command lines, in what is piped to them, and in their own files. Each rule waits for a
/// word that little else has in it.
extension RedactionRule {
    /// What stands between a command and an option of it.
    private static let options = #"[ \t](?:[^\n|;&]{0,160}?[ \t])?"#

    private static let value = #"["']?(\#(passwordBegin)[^\n]{5})"#

    static let commands: [RedactionRule] = [
        RedactionRule(
            // The first letter of `redis-cli` may be an escape's.
            "client-password", type: "password",
            #"(?:edis-cli\#(options)-a|\bmongosh\#(options)-p|\bmongo(?:dump|restore|export|import|stat|top)?\#(options)(?:-u|--username)[ =][^\n|;&]{1,80}?[ \t]-p|\bsqlcmd\#(options)-P|\bldap(?:search|add|modify|delete|whoami)\#(options)-w|\bipmitool\#(options)-P|\baz[ \t]login\#(options)-p)[ \t]{1,3}\#(value)"#,
            extent: .behindUser,
            source:
                "redis.io/docs, redis-cli; mongodb.com/docs/mongodb-shell; learn.microsoft.com, sqlcmd, az login; ldapsearch(1); ipmitool(1)",
            examples: [
                "redis-cli -h db -a {alnum:16} ping", "mongosh -u a -p {alpha:16}",
                "mongodump -u a -p '{alnum:12}' -d x",
                "sqlcmd -S h -U sa -P \"{alnum:16}\" -Q x", "ldapsearch -x -D cn=a -w {alnum:16} -b dc=x",
                "ipmitool -H h -U a -P {alnum:16} chassis status",
                "az login --service-principal -u a -p {alnum:34} --tenant t",
            ],
            nearMisses: [
                "ldapsearch -x -W -b dc=x", "redis-cli -a $REDIS_PASSWORD ping", "redis-cli -h db --all",
                "docker run --name mongo -p 27017:27017 mongo",
                "docker run -u 1000 --name mongo -p 27017:27017", "sqlcmd -S h -P \"$SA_PASSWORD\"", "mongosh -u a -p",
            ]),
        RedactionRule(
            "user-option", type: "password",
            #"--(?:(?:dest-|src-)?creds|proxy-user)[ =]{1,2}["']?[^\s:"'$]{1,64}:(\#(passwordBegin)[^\n]{3})"#,
            extent: .behindUser, source: "curl(1), --proxy-user; skopeo-copy(1), --dest-creds",
            examples: [
                "curl --proxy-user me:{alnum:16} https://x", "skopeo copy --dest-creds me:{alnum:16} a b",
                "buildah push --creds \"me:{alnum:16}\" x",
            ],
            nearMisses: ["skopeo copy --dest-creds $USER:$PASSWORD a b", "curl --proxy-user me https://x"]),
        RedactionRule(
            "unseal-key", type: "assigned_secret",
            #"(?i:unseal key)(?: \d{1,2})?: ([A-Za-z0-9+/]{43,44}={0,2})(?:[^\w+/=]|$)"#,
            source: "developer.hashicorp.com/vault/docs/commands/operator/init",
            examples: ["Unseal Key 1: {base64:44}", "Unseal Key 5: {base64:43}="],
            nearMisses: ["Unseal Key (will be hidden):", "Unseal Key 1: {base64:20}"]),
        RedactionRule(
            "redis-auth", type: "password",
            #":[0-9]{2,5}(?:\[[0-9]{1,2}\])?>[ \t]{1,2}(?i:auth)[ \t]{1,2}(?:[\w\-]{1,64}[ \t]{1,2})?\#(value)"#,
            extent: .behindUser, source: "redis.io/docs/latest/commands/auth",
            examples: ["127.0.0.1:6379> AUTH {alnum:20}\nOK", "db:6379[1]> auth me {alnum:20}"],
            nearMisses: ["127.0.0.1:6379> AUTH $PASSWORD", "> AUTH {alnum:20}", "127.0.0.1:6379> GET {alnum:20}"]),
        RedactionRule(
            "htpasswd-password", type: "password",
            #"\bhtpasswd[ \t]{1,3}(?:-[A-Za-z0-9]{1,8}[ \t]{1,3}(?:[0-9]{1,2}[ \t]{1,3})?){0,3}?-[A-Za-z0-9]{0,6}b[A-Za-z0-9]{0,6}[ \t]{1,3}(?:-[A-Za-z0-9]{1,8}[ \t]{1,3}(?:[0-9]{1,2}[ \t]{1,3})?){0,3}(?:[^\s\-"'|;&<>][^\s"'|;&<>]{0,200}[ \t]{1,3}){1,2}\#(value)"#,
            extent: .behindUser, source: "httpd.apache.org/docs/current/programs/htpasswd.html, -b",
            examples: [
                "htpasswd -bc f me {alnum:20}", "htpasswd -nbB me '{alpha:12}'", "htpasswd -B -C 10 -b f me {alnum:9}",
            ],
            nearMisses: ["htpasswd -c f somebody", "htpasswd -nb me $PASSWORD", "htpasswd -b f me \"$PASSWORD\""]),
        RedactionRule(
            "keygen-passphrase", type: "password", #"\bssh-keygen\#(options)-[NP][ \t]{1,3}\#(value)"#,
            extent: .behindUser, source: "ssh-keygen(1), -N, -P",
            examples: ["ssh-keygen -t ed25519 -N {alnum:12} -f k", "ssh-keygen -p -P '{alnum:9}' -N ''"],
            nearMisses: [
                "ssh-keygen -t ed25519 -N '' -f k", "ssh-keygen -N \"$PASSPHRASE\"", "ssh-keygen -f k -C me@host1",
            ]),
        RedactionRule(
            "stored-secret", type: "assigned_secret",
            #"\bgh[ \t]secret[ \t]set\#(options)(?:--body|-b)(?:=|[ \t]{1,3})\#(value)"#,
            extent: .behindUser, source: "cli.github.com/manual/gh_secret_set",
            examples: ["gh secret set API_KEY --body \"{alnum:24}\"", "gh secret set KEY -R a/b -b {alnum:24}"],
            nearMisses: ["gh secret set API_KEY --body \"$KEY\"", "gh secret set API_KEY < key.txt", "gh secret list"]),
        RedactionRule(
            "piped-secret", type: "assigned_secret",
            #"\b(?:echo|printf)[ \t]{1,3}(?:-[ne]{1,2}[ \t]{1,3}|["']?%s[^\s"']{0,2}["']?[ \t]{1,3})?["']?(\#(passwordBegin)[^\s"'|]{5,255})["']?[ \t]{0,3}\|[ \t]{0,3}(?:sudo[ \t]{1,3}(?:-[A-Za-z]{1,8}[ \t]{1,3}){0,3}?-[A-Za-z]{0,4}S\b|[^\n|;&]{1,160}?(?:--password-stdin|--with-token|[ \t]secret[ \t](?:put|set)[ \t]))"#,
            source:
                "docker login(1), --password-stdin; sudo(8), -S; cli.github.com/manual/gh_auth_login; developers.cloudflare.com/workers/wrangler/commands",
            examples: [
                "echo {alnum:16} | docker login -u me --password-stdin", "echo '{alnum:16}' | sudo -S apt update",
                "printf '%s' \"{alnum:16}\" | gh auth login --with-token",
                "echo \"{alnum:16}\" | wrangler secret put KEY",
            ],
            nearMisses: [
                "echo $PASSWORD | docker login --password-stdin", "echo \"${PASSWORD}\" | sudo -S apt update",
                "echo something | sudo tee /etc/something", "echo something | grep secret",
            ]),
        RedactionRule(
            "here-secret", type: "assigned_secret",
            #"(?:--password-stdin|--with-token)[ \t]{0,3}<<<[ \t]{0,3}\#(value)"#, extent: .behindUser,
            source: "bash(1), Here Strings; cli.github.com/manual/gh_auth_login",
            examples: ["gh auth login --with-token <<< \"{alnum:24}\"", "docker login --password-stdin <<<{alnum:24}"],
            nearMisses: ["gh auth login --with-token <<< \"$TOKEN\"", "gh auth login --with-token < token.txt"]),
        RedactionRule(
            "secure-string", type: "password",
            #"(?i:ConvertTo-SecureString)[ \t]{1,3}(?:-[A-Za-z]{1,12}[ \t]{1,3}){0,3}["'](\#(passwordBegin)[^\n]{5})"#,
            extent: .behindUser, source: "learn.microsoft.com/powershell, ConvertTo-SecureString",
            examples: [
                "ConvertTo-SecureString \"{alnum:16}\" -AsPlainText -Force",
                "ConvertTo-SecureString -String '{alpha:16}' -Force",
            ],
            nearMisses: [
                "ConvertTo-SecureString $password -AsPlainText", "ConvertTo-SecureString \"$password\" -Force",
            ]),
        RedactionRule(
            "store-password", type: "password",
            #"(?:storePassword|keyPassword)[ \t]{1,8}["'](\#(passwordBegin)[^\n]{5})"#,
            extent: .behindUser, source: "developer.android.com/build/building-cmdline, signingConfigs",
            examples: ["storePassword \"{alpha:12}\"", "keyPassword '{alpha:12}'"],
            nearMisses: ["storePassword \"$password\"", "storePassword keystoreProperties['storePassword']"]),
        RedactionRule(
            "sql-set-password", type: "password",
            #"(?i:\bset[ \t]{1,3}password)[ \t][^=\n;]{0,80}=[ \t]{0,3}'(\#(passwordBegin)[^\n]{5})"#,
            extent: .behindUser, source: "dev.mysql.com/doc, SET PASSWORD",
            examples: ["SET PASSWORD FOR 'a' = '{alpha:12}';"],
            nearMisses: ["SET PASSWORD FOR 'a' = '$PASSWORD'", "SET PASSWORD FOR 'a' = ?"]),
        RedactionRule(
            "wireless-passphrase", type: "password", #"\bpsk="(\#(passwordBegin)[^\n]{7})"#,
            extent: .behindUser, source: "wpa_supplicant.conf(5), psk", examples: ["    psk=\"{alpha:12}\""],
            nearMisses: ["psk=\"$PSK\"", "psk=self.psk", "psk=\"\"", "psk=\"<your key>\""]),
        RedactionRule(
            "wireless-key", type: "password", #"\bpsk=([a-f0-9]{64})(?:[^\w]|$)"#,
            source: "wpa_supplicant.conf(5), psk", examples: ["psk={hex:64}"],
            nearMisses: ["psk=self.psk", "psk={hex:65}"]),
        RedactionRule(
            // The first letter may be an escape's.
            "snmp-community", type: "password", #"[ow]community6?[ \t]{1,8}\#(value)"#, isMixed: true,
            extent: .assigned, source: "snmpd.conf(5), rocommunity, rwcommunity",
            examples: ["rocommunity {alnum:11}9", "rwcommunity6 {alnum:11}9 default"],
            nearMisses: ["rocommunity public default", "rocommunity $COMMUNITY1"]),
        RedactionRule(
            "oracle-password", type: "url_password",
            #"\bjdbc:oracle:(?:thin|oci8?):[^\s/@"':]{1,64}/([^\s@"'/$<{][^\s@"'/]{3,127})@"#,
            source: "docs.oracle.com, JDBC Developer's Guide, database URLs",
            examples: ["jdbc:oracle:thin:scott/{alnum:12}@//dbhost:1521/orcl"],
            nearMisses: [
                "jdbc:oracle:thin:@//dbhost:1521/orcl", "jdbc:oracle:thin:scott/${PW}@h", "jdbc:oracle:thin:/@db",
            ]),
        RedactionRule(
            "pgpass-password", type: "password",
            #":(?:543[0-9]|6432):[\w.*\-]{1,63}:[\w.*\-]{1,63}:([^\s:"'$<{][^\s:"']{3,127})(?:[\s"']|$)"#,
            isMixed: true,
            source: "postgresql.org/docs/current/libpq-pgpass.html",
            examples: ["db.internal:5432:prod:app:{alnum:11}9\n", "*:5432:*:*:{alnum:11}9"],
            nearMisses: ["localhost:5432:5432", "db:5432:prod:app:$PASSWORD1", "db:5432:a:b:c1d:e2f"]),
        RedactionRule(
            "salt", type: "assigned_secret",
            #"(?:(?:AUTH|LOGGED_IN|NONCE)_(?:KEY|SALT)|[A-Z]_SALT)["']?[ \t]{0,3}[=:,][ \t]{0,20}["']?(\#(passwordBegin)[^\n]{11})"#,
            entropy: 3, isMixed: true, extent: .assigned,
            source: "developer.wordpress.org/advanced-administration/wordpress/wp-config, security keys",
            examples: ["AUTH_SALT={alnum:23}9", "define('LOGGED_IN_KEY',    '9{alnum:11} |{alnum:12}&{alnum:12}');"],
            nearMisses: [
                "define('AUTH_SALT', 'put your unique phrase here');", "AUTH_SALT=$AUTH_SALT_FROM_ENV1",
                "LENGTH_SALT = 16",
            ]),
        RedactionRule(
            "translated-password", type: "password",
            #"(?i:passwort|kennwort|contraseña|mot de passe|wachtwoord|senha|lösenord|(?:П|п)ароль)["'*]{0,3}[ \t]{0,3}[:=][ \t*]{0,4}["'`]?(\#(passwordBegin)[^\n]{5})"#,
            isMixed: true, extent: .assigned, source: Assignment.source,
            examples: ["Passwort: {alnum:11}9", "**Senha:** {alnum:11}9", "\"kennwort\" = \"{alnum:11}9\""],
            nearMisses: ["Passwort: erforderlich", "Passwort vergessen?", "Mot de passe : ${MDP1}"]),
        RedactionRule(
            "mnemonic", type: "mnemonic",
            #"(?i:mnemonic|seed_?phrase|recovery_?phrase)["']?[ \t]{0,3}[:=][ \t]{0,3}["']?((?:[a-z]{3,8} ){11,23}[a-z]{3,8})(?:[^a-z]|$)"#,
            trigger:
                #"(?i:mnemonic|seed_?phrase|recovery_?phrase)["']?[ \t]{0,3}[:=][ \t]{0,3}["']?[a-z]{3,8} [a-z]{3,8} "#,
            source: "BIP-39, generating the mnemonic",
            examples: [
                "MNEMONIC=\"{lower:5} {lower:6} {lower:4} {lower:3} {lower:8} {lower:5} {lower:5} {lower:6} {lower:4} {lower:3} {lower:8} {lower:5}\""
            ],
            nearMisses: ["mnemonic: a word that helps", "mnemonic = ntheory"]),
    ]
}
