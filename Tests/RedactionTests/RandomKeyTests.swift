import Redaction
import Testing

@Suite("A random key under an unmistakable name")
struct RandomKeyTests {
    @Test("is missed at most once in a thousand, whatever its length", arguments: [16, 17, 18, 20, 24, 32, 40])
    func missed(length: Int) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: UInt64(length))
        let missed = (0..<4_000).filter { _ in
            redactor.findings(of: sample.text("api_key = \"{alnum:\(length)}\""))?.isEmpty != false
        }
        #expect(missed.count <= 4, "of 4,000")
    }

    @Test(
        "of a provider needs no digit: few without any are missed where the prefix is a weak one",
        arguments: [
            ("cio{alpha:32}", 0), ("ntn_{alpha:46}", 0), ("secret_{alpha:43}", 0), ("SCW{upper:17}", 0),
            ("teleport_{lower:40}", 0), ("sgp_{alpha:60}", 0), ("npm_{alpha:36}", 0), ("sk-{alpha:40}", 30),
            ("https://{alpha:40}@git.internal/a", 30), ("Bearer {alpha:40}", 30), ("fw_{alpha:24}", 30),
            ("live_{alpha:30}", 30),
            ("LTAI{alpha:20}", 30), ("re_{alpha:8}_{alpha:24}", 30),
        ])
    func withoutDigits(template: String, most: Int) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: 7)
        let missed = (0..<1_000).map { _ in sample.text("x \(template)") }.filter { redactor.findings(of: $0) == [] }
        #expect(missed.count <= most, "\(missed.prefix(3))")
    }

    @Test(
        "is none where it is words",
        arguments: [
            "getUserTokenName", "kubernetesSecretName", "AccessTokenProviderFactory", "process.env.GITHUB_TOKEN",
            "authenticationServiceToken", "aVeryLongNameOfSomething", "SomeHttpClientForTests",
            "self.settings.awsAccessKey",
            "MY_ENVIRONMENT_VARIABLE", "my-kubernetes-secret-name", "test-only-secret-of-at-least-64-bytes",
            "Name-Of-Secret-Number-12",
            "deadbeefdeadbeefdeadbeef", "useJWTTokenFromHeader",
        ])
    func words(value: String) throws {
        for name in ["api_key", "secret", "token"] {
            #expect(try Standard.redactor().findings(of: "\(name) = \(value)") == [], "\(name) = \(value)")
        }
    }

    @Test(
        "is one also where it spells a short word; `dummy` is none that stands apart",
        arguments: [
            ("tmprl_nV0hpM0P8pDUmMYxkJ3bT6qLr9ZsWc2E_a8NfQ4vKd7XyG1hRt5MoUz0BpLjCeI3S", true),
            ("api_key = \"k7dummy2qR9xT4vB8nL3\"", true), ("api_key = \"DuMmY-k7d2qR9xT4vB8nL3\"", true),
            ("api_key = \"dummy7d2qR9xT4vB8nL3\"", false), ("api_key = \"k7d2qR9xT4vB8nL3_DUMMY_9\"", false),
            ("api_key = \"k7d2qR9xT4vB8nL3-Dummy1\"", false), ("api_key = \"sk-your_k7d2qR9xT4vB8nL3\"", false),
        ])
    func shortWords(text: String, isSecret: Bool) throws {
        #expect(try Standard.redactor().findings(of: text)?.isEmpty == !isSecret)
    }
}
