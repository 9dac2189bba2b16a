import Redaction
import Testing

/// Passwords as people and programs write them in commands, code and configuration.
@Suite("A password that is assigned")
struct AssignedPasswordTests {
    private func redacted(_ line: String) throws -> String { try Standard.redactor().redacted(line).text }

    @Test("and what takes its place go both; at every level of JSON", arguments: 0..<3)
    func changed(depth: Int) throws {
        var text = #"~ password = "a1b2c3d4e5" -> "f6g7h8i9j0" # forces replacement"#
        for _ in 0..<depth { text = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
        let redacted = try redacted(depth == 0 ? text : "{\"a\":\"" + text + "\"}")
        #expect(!redacted.contains("a1b2c3d4e5") && !redacted.contains("f6g7h8i9j0"), "\(redacted)")
        #expect(redacted.contains("# forces replacement") && redacted.contains(" -> "), "\(redacted)")
    }

    @Test(
        "in Markdown goes without its marks",
        arguments: [
            "`DB_PASSWORD`: `a1b2c3d4e5`", "`DB_PASSWORD` = `a1b2c3d4e5`", "**Password:** a1b2c3d4e5",
            "**Password**: a1b2c3d4e5",
        ])
    func markdown(text: String) throws {
        #expect(try redacted(text) == text.replacing("a1b2c3d4e5", with: "[REDACTED:password]"))
    }

    @Test(
        "goes up to its closing quote, to a blank, or to what is clearly another parameter; `S` is what goes",
        arguments: [
            ("PASSWORD=«ab&cd;ef1»", " next"), ("export DB_PASSWORD=«Tr0ub4dor&3»", ""),
            ("DB_PASSWORD=«Pa$$w0rd12»", " psql"),
            ("PASSWORD=«a1,b2,c3»", ""), ("password: «a1b2c3{d4e5f6g7»", ""), ("PASSWORD=«a1b2c3(d4»", " x"),
            ("PASSWORD=«x9|kd82<lqP»", ""), ("PASSWORD=«abc'd1f»", " x"), ("x --password=«hunter2;x»", " -v"),
            ("x --password «hunter22x»", " -v"), ("PASSWORD=«-x9kd82»", " -v"),
            ("mysql --password=«a]b}c)1»", " -u"),
            ("x?password=«a1b2c3d4»", "&user=bob"), ("x?password=«a1b2c3d4»", "&amp;user=bob"),
            ("Password=«a1b2c3d4»", ";User Id=bob"),
            ("Server=x;Password=«ab$cd;ef12»", ";Database=y"), ("f(password=«abc123»", ", user=x)"),
            ("{password:«abc123»", ",port:5}"),
            ("(password=«abc123»", ")"), ("PASSWORD=«abc123»", "&&make"), ("PASSWORD=«abc123»", "; ls"),
            ("'PASSWORD=«abc123»", "', 'x'"),
            ("DB_PASSWORD=\"«a1b2c3&d4e5f6»", "\" x"), ("DB_PASSWORD=\"«a1b2c3d4$e5f6g7»", "\""),
            ("password: '«p4ss;word99x»", "', b"), ("password = \"«p4ssw0rd with 9x»", "\" # set"),
            ("password: '«correct1 horse x»", "'"),
            ("password: \"«p4ss\\word99x»", "\""), ("pass_pass='«p4$s{w}9x»", "'"),
            ("curl -u 'admin:«pa$$w0rd99»", "' https://x"), ("curl -s -u admin:«ab$cd&1»", " https://x"),
            ("curl -u \"me:«two words»", "\" https://x"), ("curl -u me:'«two words»", "' https://x"),
            ("curl -H \"A: b\" -u admin:«s3cret;x»", " x"), ("Contraseña: «a1b2c3d4»", ""), ("Пароль: «a1b2c3d4»", ""),
            ("redis-cli -a «ab&cd;efg»", " ping"), ("psk=\"«two words»", "\""),
            ("ssh-keygen -N '«two words»", "' -f k"),
            ("sqlcmd -U sa -P «aB&cD;eF»", " -Q x"), ("docker login -u a -p «a1b2c3d4»", " x; docker login -u b x"),
            ("SET PASSWORD FOR 'a' = '«correcthorse»", "';"), ("rocommunity «a1b2c3d4»", " default"),
        ])
    func extent(before: String, after: String) throws {
        let parts = before.split(separator: "«", maxSplits: 1)
        let secret = parts[1].dropLast()
        for depth in 0..<4 {
            func line(_ text: String) -> String {
                (0..<depth).reduce(text) { text, _ in "{\"a\":\"\(text.escaped)\",\"z\":1}" }
            }
            let out = try redacted(line(parts[0] + secret + after))
            let wanted = ["password", "curl_user"].map { line(parts[0] + "[REDACTED:\($0)]" + after) }
            #expect(wanted.contains(out), "\(secret), \(depth) deep: \(out)")
        }
    }

    @Test("goes also where the same command stands behind it once more")
    func twice() throws {
        func line(_ first: String, _ second: String) -> String {
            "{\"a\":\"docker login -u me -p \(first) r\",\"b\":\"docker login -u me -p \(second) r\"}"
        }
        #expect(try redacted(line("a1b2c3d4", "e5f6a7b8")) == line("[REDACTED:password]", "[REDACTED:password]"))
    }

    @Test("with a quote of a deeper level in it goes up to the closing quote")
    func innerQuote() throws {
        let text = #"password: "p4ss\"word\"99x" # why"#
        let wanted = #"password: "[REDACTED:password]" # why"#
        #expect(try redacted(text) == wanted)
        #expect(try redacted("{\"a\":\"\(text.escaped)\"}") == "{\"a\":\"\(wanted.escaped)\"}")
    }

    @Test(
        "is none behind the mark of what was removed",
        arguments: [
            #"{"a":"machine git.internal login me password [REDACTED:netrc_password]","b\"[REDACTED:password]":1.50E-3}"#,
            #"{"X=[REDACTED:codacy_key]":12345678901234567890}"#,
            #"{"X=[REDACTED:assigned_secret]": "a1XevqUZrWb9fU3wKR8Jb"}"#,
        ])
    func behindMarker(line: String) throws {
        #expect(try redacted(line) == line)
        // Half of a mark is none.
        let torn = line.replacing("[REDACTED:password]\"", with: "[REDACTED:password\"")
            .replacing("codacy_key]", with: "codacy_key").replacing("assigned_secret]", with: "assigned_secret")
        #expect(try redacted(torn) != torn)
    }

    @Test(
        "is none where code computes it, a label speaks of it, or nothing is there",
        arguments: [
            "password = getpass2()", "password: z.string().min(8)", "password = config.password||process.env.DB2",
            "password = user_input[0]", "password=${DB_PASS1}", "password=$pass1", "password = hashlib.sha256(x)",
            "password: \"must have 8 characters\"", "password = ''", "login --password --verbose1",
            "login --password-stdin x12345",
            "PASSWORD=$(pass show db1)",
            "password=\"$(pass show db1)\"", "password: \"${DB_PASS1}\"", "password: '{{ vault.db1 }}'",
            "password=None,port=5432",
            "password: <b1>text</b1>", "password = `${a1}-${b2}`", "password=%s1 x", "curl -u $USER:$PASS https://x",
            "curl -u admin https://x:80", "curl -u user:password https://x", "PASSWORD=\"\" PORT=\"80801\"",
        ])
    func none(text: String) throws {
        #expect(try redacted(text) == text)
        let line = "{\"a\":\"\(text.escaped)\",\"b\":\"x1\"}"
        #expect(try redacted(line) == line)
    }

    @Test(
        "is not what stands behind a name in JSON",
        arguments: [
            "{\"curl -u me:\":[\"x1y2z3\"]}", "{\"curl -u me:\":12345678}", "{\"password=\":\"a1\",\"b2\":1}",
            "{\"PASSWORD=\":12345678,\"b\":[1]}", "[\"password=\",\"a1b2c3d4\"]",
            "{\"a\":\"curl -u me:\",\"b\":{\"c\":1}}",
        ])
    func structure(line: String) throws {
        #expect(try Standard.redactor().findings(of: line) == [])
        #expect(try redacted(line) == line)
    }

    @Test("in a line that is full of them is removed, and the line is not withheld", .timeLimit(.minutes(30)))
    func many() throws {
        let redactor = try Standard.redactor()
        for word in ["password=", "password=\\\"", "password='", "password=a1$(", "curl -u a:'b", "PASSWORD=a;b&c;"] {
            let line = "{\"a\":\"" + String(repeating: word, count: 100_000) + "\"}"
            #expect(redactor.redacted(line).withheld == nil, "\(word)")
        }
        let long = "{\"a\":\"password=" + String(repeating: "a1;&", count: 1 << 20) + "\"}"
        #expect(redactor.redacted(long).withheld == nil)
    }
}
