import Redaction
import Testing

@Suite("A field that is called a password")
struct PasswordFieldTests {
    private static let marker = "[REDACTED:sensitive_field]"

    private func redacted(_ line: String) throws -> String { try Standard.redactor().redacted(line).text }

    /// The line, and the line as it would be in a string, and in a string in that.
    private func require(_ line: String, becomes wanted: String) throws {
        #expect(try redacted(line) == wanted)
        #expect(try redacted("{\"a\":\"\(line.escaped)\"}") == "{\"a\":\"\(wanted.escaped)\"}")
        let (twice, wantedTwice) = ("[\"\(line.escaped)\"]", "[\"\(wanted.escaped)\"]")
        #expect(try redacted("{\"a\":\"\(twice.escaped)\"}") == "{\"a\":\"\(wantedTwice.escaped)\"}")
    }

    @Test(
        "loses its value, whatever comes before the word",
        arguments: [
            "newPassword", "current_password", "PGPASSWORD", "mysql_password", "confirm-password", "password2",
            "passwords",
            "oldpassword", "db.password", "spring.datasource.password", "MYSQL_PWD", "db_pwd", "pwd", "userPwd",
            "sshPassphrase",
            "key_passphrase", "SUDO_PASSWD", "smtp_pass", "dbPass", "DB_PASS", "user-pass", "loginPass", "Password",
            "x-password",
        ])
    func names(name: String) throws {
        try require("{\"\(name)\":\"correct horse\",\"n\":1}", becomes: "{\"\(name)\":\"\(Self.marker)\",\"n\":1}")
    }

    @Test(
        "loses what looks like a secret where the word is `secret`, whatever comes before it",
        arguments: ["jwtSecret", "JWT_SECRET", "session-secret", "app_secret", "SECRET", "django.secret"])
    func secrets(name: String) throws {
        try require("{\"\(name)\":\"x9kd82;lqP\",\"n\":1}", becomes: "{\"\(name)\":\"\(Self.marker)\",\"n\":1}")
    }

    @Test("called `pass` loses what belongs to a user, or looks like a secret")
    func pass() throws {
        try require(
            "{\"user\":\"me\",\"pass\":\"correct horse\"}", becomes: "{\"user\":\"me\",\"pass\":\"\(Self.marker)\"}")
        try require("{\"pass\":\"hunter22x\"}", becomes: "{\"pass\":\"\(Self.marker)\"}")
    }

    @Test(
        "loses what lists and objects below it hold",
        arguments: [
            "{\"passwords\":[\"S\",\"S\"]}", "{\"password\":[[\"S\"],[\"S\"]]}", "{\"password\":{\"value\":\"S\"}}",
            "{\"newPassword\":{\"type\":\"plain\",\"value\":\"S\",\"n\":1}}",
            "{\"password\" : {\n  \"value\" : \"S\"\n},\"b\":1}",
            "{\"passwords\": [\n\t\"S\",\r\n\t\"S\"\n]}",
            "{\"passwords\":[{\"user\":\"me\",\"value\":\"S\"},{\"value\":\"S\"}]}",
            "{\"password\":{\"current\":\"S\",\"new\":\"S\",\"confirm\":true}}",
            "{\"password\":{\"prod\":\"x9kd82lqP\"}}",
            "{\"passwords\":{\"a\":{\"b\":[null,1,\"x9kd82lqP\"]}}}",
        ])
    func below(line: String) throws {
        let full = line.replacing("\"S\"", with: "\"correct horse\"")
        let wanted = line.replacing("\"S\"", with: "\"\(Self.marker)\"").replacing("x9kd82lqP", with: Self.marker)
        try require(full, becomes: wanted)
    }

    @Test(
        "keeps what is no secret",
        arguments: [
            "{\"pwd\":\"/home/me/work\",\"OLDPWD\":\"/tmp\",\"PWD\":\"~/work space\"}",
            "{\"pwd\":\"C:\\\\Users\\\\me\"}",
            "{\"pass\":12,\"fail\":0,\"hasPassword\":true,\"noPassword\":null}",
            "{\"pass\":\"passed\",\"testPass\":\"ok then\"}",
            "{\"pass\":\"all tests pass\",\"firstPass\":\"of the compiler\"}",
            "{\"bypass\":\"abc123defgh\",\"compass\":\"north 12a\"}",
            "{\"forgotPassword\":\"Forgot your password?\"}", "{\"minPassword\":8,\"password\":\"\"}",
            "{\"newPassword\":\"<new password>\"}",
            "{\"current_password\":\"${OLD}\"}", "{\"db_pwd\":\"***\",\"PGPASSWORD\":\"changeme\"}",
            "{\"password\":{\"type\":\"string\",\"description\":\"what you log in with\",\"minLength\":8}}",
            "{\"password\":{\"label\":\"Your password\",\"rules\":[\"required\",\"min:8\"]},\"b\":\"c\"}",
            "{\"password\":{\"reset\":\"We have sent you a link\",\"required\":true}}",
            "{\"passwords\":[],\"passwords\":{}}",
            "{\"clusterSecret\":\"db-credentials\",\"imagePullSecret\":\"regcred\",\"isSecret\":true}",
            "{\"top secret\":\"x9kd82lqP7\",\"a password\":\"correct horse\"}",
        ])
    func kept(line: String) throws { try require(line, becomes: line) }

    @Test(
        "is as quiet where names are streamed, chosen or pressed",
        arguments: [
            "{\"credentials\":\"include\"}", "{\"credentials\":\"same-origin\"}", "{\"credentials\":\"omit\"}",
            "{\"token\":\" world\"}",
            "{\"token\":\" v2 and 3\"}", "{\"token\":\"hello\"}", "{\"token\":\"Implementation\"}",
            "{\"accessKey\":\"ctrl+s\"}",
            "{\"accesskey\":\"submit\"}", "{\"token\":\"the next token\"}", "{\"token\":\"\\n\\n\"}",
            "{\"token\":\"());\"}",
        ])
    func words(line: String) throws { try require(line, becomes: line) }

    @Test(
        "and a token that looks like one goes",
        arguments: [
            "abc123", "k3y-of-mine", "qwzkxvbnmlkjhgfdsa", "x!p@ssw$rd", "aBcDeFgHiJkL", "12345678",
            "two words and s3cr3ts",
        ])
    func tokens(value: String) throws {
        try require("{\"token\":\"\(value)\"}", becomes: "{\"token\":\"\(Self.marker)\"}")
        try require("{\"accessKey\":\"\(value)\"}", becomes: "{\"accessKey\":\"\(Self.marker)\"}")
    }

    @Test("is judged by what its escapes mean", arguments: ["pass", "token", "jwtSecret"])
    func escaped(name: String) throws {
        let spelled = "k3y0fMine".unicodeScalars.map { "\\u00" + String($0.value, radix: 16) }.joined()
        #expect(try redacted("{\"\(name)\":\"\(spelled)\"}") == "{\"\(name)\":\"\(Self.marker)\"}")
        for value in ["\\u0020world1", "\\n\\n12345", "\\t  0123"] {
            #expect(try redacted("{\"\(name)\":\"\(value)\"}") == "{\"\(name)\":\"\(value)\"}")
        }
    }

    @Test("is the same whole and in windows where an object is long")
    func windows() throws {
        let redactor = try Standard.redactor()
        let border = (1 << 20) - (128 << 10)
        for shift in [-30_000, -9_000, -30, 0, 10, 9_000] {
            let words = (0..<800).map { "\"k\($0)\":\"a word\",\"value\":\"some \($0)\"" }.joined(separator: ",")
            let line = Array(
                ("{\"x\":\"" + String(repeating: "y ", count: (border + shift) / 2)
                    + "\",\"newPassword\":{\(words)},\"end\":\""
                    + String(repeating: "z ", count: 600_000) + "\"}").utf8)
            let (bytes, source, isFailed) = redactor.passed(line, pieces: 65_536)
            #expect(!isFailed && source.redactions == ["sensitive_field": 800])
            #expect(bytes == redactor.redacted(bytes: line).bytes, "shift \(shift)")
        }
    }
}
