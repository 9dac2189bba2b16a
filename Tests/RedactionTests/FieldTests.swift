import Redaction
import Testing

@Suite("The value of a sensitive field")
struct FieldTests {
    private func redacted(_ line: String) throws -> String { try Standard.redactor().redacted(line).text }

    @Test(
        "is removed whatever it holds",
        arguments: [
            (#"{"password":"x"}"#, #"{"password":"[REDACTED:sensitive_field]"}"#),
            (#"{"Password" : "a \"b\" \\ c\nd","n":1}"#, #"{"Password" : "[REDACTED:sensitive_field]","n":1}"#),
            (#"{"password":"ends in a backslash\\"}"#, #"{"password":"[REDACTED:sensitive_field]"}"#),
            (#"{"api_key":"abcd"}"#, #"{"api_key":"[REDACTED:sensitive_field]"}"#),
            (
                #"{"apiKey":"abcd","API-KEY":"efgh"}"#,
                #"{"apiKey":"[REDACTED:sensitive_field]","API-KEY":"[REDACTED:sensitive_field]"}"#
            ),
            (#"{"client_secret":"two words"}"#, #"{"client_secret":"[REDACTED:sensitive_field]"}"#),
            (#"{"password":"$ecret123"}"#, #"{"password":"[REDACTED:sensitive_field]"}"#),
            (#"{"password":"adminnnnnn"}"#, #"{"password":"[REDACTED:sensitive_field]"}"#),
            (#"{"password":123456}"#, #"{"password":"[REDACTED:sensitive_field]"}"#),
            (
                #"{"password":["a1", "b2" ,3]}"#,
                #"{"password":["[REDACTED:sensitive_field]", "[REDACTED:sensitive_field]" ,"[REDACTED:sensitive_field]"]}"#
            ),
            (
                #"{"a":"{\"password\":\"p \\\"q\\\" \\\\\",\"b\":1}"}"#,
                #"{"a":"{\"password\":\"[REDACTED:sensitive_field]\",\"b\":1}"}"#
            ),
            (#"{"a":"{\"password\":7,\"b\":1}"}"#, #"{"a":"{\"password\":\"[REDACTED:sensitive_field]\",\"b\":1}"}"#),
            (
                #"{"a":"{\"b\":\"{\\\"secret\\\":\\\"abc\\\\\\\"d\\\"}\"}"}"#,
                #"{"a":"{\"b\":\"{\\\"secret\\\":\\\"[REDACTED:sensitive_field]\\\"}\"}"}"#
            ),
        ])
    func removed(line: String, wanted: String) throws { #expect(try redacted(line) == wanted) }

    @Test(
        "stays where it is none",
        arguments: [
            #"{"password":""}"#, #"{"password":null,"token":true}"#, #"{"token":151643}"#, #"{"token":"string"}"#,
            #"{"password":"<password>"}"#, #"{"password":"${DB_PASSWORD}"}"#, #"{"password":"$DB_PASSWORD_2"}"#,
            #"{"password":"$password"}"#, #"{"secret":"********"}"#,
            #"{"api_key":"your_api_key"}"#, #"{"password":{"type":"string"}}"#, #"{"tokens":["abcd"]}"#,
            #"{"password":"[REDACTED:password]"}"#,
        ])
    func kept(line: String) throws { #expect(try redacted(line) == line) }

    @Test("is removed where quotes are written as unicode escapes, too")
    func unicodeQuotes() throws {
        let inner = #"{\u0022password\u0022: \u0022a b\\\u0022c\u0022,\u0022n\u0022:1}"#
        let wanted = #"{\u0022password\u0022: \u0022[REDACTED:sensitive_field]\u0022,\u0022n\u0022:1}"#
        #expect(try redacted("{\"a\":\"\(inner)\"}") == "{\"a\":\"\(wanted)\"}")
        #expect(
            try redacted("{\"a\":\"\("{\"b\":\"\(inner)\"}".escaped)\"}")
                == "{\"a\":\"\("{\"b\":\"\(wanted)\"}".escaped)\"}")
        let torn = #"{"a":"{\u0022password\u0022:\u0022a b","z":"y"}"#
        #expect(try redacted(torn) == #"{"a":"{\u0022password\u0022:\u0022[REDACTED:sensitive_field]","z":"y"}"#)
        let short = #"{"a":"{\u0022password\u0022:null,\u0022secret\u0022:\u0022\u0022}"}"#
        #expect(try redacted(short) == short)
    }

    @Test(
        "is a password also where it ends in one character many times",
        arguments: ["Hunter2!!!!!!!!!!", "Secret12!!!!!!!!", "pass\\\\\\\\\\\\\\\\\\\\", "aB3aaaaaaaaaaaaaaa"])
    func equalLetters(password: String) throws {
        let out = try redacted("{\"password\":\"\(password)\"}")
        #expect(out.hasPrefix("{\"password\":\"[REDACTED:") && out.hasSuffix("]\"}"))
    }

    @Test("is cut off with the line that ends in it")
    func unfinished() throws {
        #expect(try redacted("{\"password\":\"half of i\n") == "{\"password\":\"[REDACTED:sensitive_field]\n")
    }
}

@Suite("A key of hexadecimal digits")
struct HexadecimalTests {
    @Test("is found whatever they are", arguments: ["api_key = \"{hex:32}\"", "SECRET={hex:24}", "x sk-{hex:32}"])
    func found(template: String) throws {
        var sample = SampleText(seed: 11)
        let redactor = try Standard.redactor()
        for _ in 0..<2_000 {
            let text = sample.text(template)
            // Letters alone, or digits alone, are words and numbers to these rules.
            guard text.dropFirst(11).contains(where: \.isNumber) else { continue }
            #expect(redactor.findings(of: text)?.isEmpty == false, "\(text)")
        }
    }

    @Test("is none where it is a word, or the same again")
    func words() throws {
        let redactor = try Standard.redactor()
        for text in ["token = deadbeef1deadbeef1deadbeef1", "SECRET=0000000000000000a0a0a0a0"] {
            #expect(redactor.findings(of: text) == [], "\(text)")
        }
    }
}

@Suite("What is no secret")
struct NoiseTests {
    @Test(
        "passes as it is",
        arguments: [
            "{uuid}", "commit {hex:40}", "sha256:{hex:64}", "\"uuid\":\"{uuid}\",\"sessionId\":\"{uuid}\"",
            "\"signature\":\"EqoBCkgIAxABGAIiQ{base64:600}==\"", "data:image/png;base64,iVBORw0KGgo{base64:4000}=",
            "\"data\":\"/9j/4AAQSkZJRg{base64:8000}\"", "integrity sha512-{base64:86}==",
            "\"etag\":\"W/\\\"{hex:32}\\\"\"",
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-ant-api03-...", "api_key: \\\"YOUR_API_KEY\\\"", "\"token_count\": 12345, \"max_tokens\": 4096",
            "\"requestId\":\"req_011C{alnum:20}\",\"id\":\"msg_01{alnum:22}\",\"tool_use_id\":\"toolu_01{alnum:22}\"",
            "\"encrypted_content\":\"gAAAAAB{base64:900}\"", "const token = await getToken(req);",
            "git@github.com:a/b.git",
        ])
    func passes(template: String) throws {
        let redactor = try Standard.redactor()
        for seed in 1...40 as ClosedRange<UInt64> {
            var sample = SampleText(seed: seed)
            let text = sample.text(template)
            let line = text.hasPrefix("\"") ? "{\(text)}\n" : "{\"text\":\"\(text)\"}\n"
            let outcome = redactor.redacted(line)
            #expect(outcome.isVerbatim, "seed \(seed): \(line) became \(outcome.text)")
        }
    }

    @Test("in a piece of base64 that spells a key by chance is no secret, alone it is one")
    func insideBase64() throws {
        var sample = SampleText(seed: 9)
        let redactor = try Standard.redactor()
        let key = sample.text("AKIA{upperdigit:16}")
        let around = sample.text("{base64:300}")
        #expect(redactor.redacted("{\"data\":\"\(around)/\(key)/\(around)\"}").isVerbatim)
        #expect(redactor.redacted("{\"data\":\"\(key)\"}").redactions == ["aws_access_key": 1])
    }
}
