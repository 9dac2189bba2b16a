import Redaction
import Testing

@Suite("A token behind an escape that is text")
struct TokenStartTests {
    private static let tokens = [
        "AKIA4QXBZ7NMKD2RTYPW", "glpat-aB3dE5fG7hJ9kL1mN2pQ", "npm_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2",
        "sk-proj-aB3dE5fG7hJ9kL1mN2pQaB3dE5fG7hJ9kL1mN2pQ",
    ]

    @Test(
        "is found: a colour, a byte, a percent-encoded mark",
        arguments: [
            #"\x1b[32m"#, #"\033[0m"#, #"\e[1;33m"#, "^[[m", "[32m", "[38;5;81m", #"\x00"#, #"\x0A"#, #"\012"#, #"\0"#,
            #"\a"#,
            #"\v"#, "?k%3D", "%22", "=3D", "u0022",
        ])
    func found(prefix: String) throws {
        for token in Self.tokens {
            for text in [prefix + token, "say " + prefix + token + #"\x1b[0m next"#] {
                let redacted = try Standard.redactor().redacted(#"{"a":"\#(text.replacing("\\", with: "\\\\"))"}"#).text
                #expect(!redacted.contains(token) && redacted.contains("[REDACTED:"), "\(redacted)")
            }
        }
    }

    @Test("in a longer word is none", arguments: ["Q", "9", "_", "xm"])
    func word(prefix: String) throws {
        let line = #"{"a":"\#(prefix)AKIA4QXBZ7NMKD2RTYPW"}"#
        #expect(try Standard.redactor().redacted(line).text == line)
    }
}
