import Redaction
import Shared
import Testing

@Suite("Rules of one's own")
struct OwnRuleTests {
    private func rule(
        _ pattern: String, field: String = "", keywords: [String] = [], name: String = "acme"
    ) -> RedactionRuleConfiguration {
        RedactionRuleConfiguration(name: name, pattern: pattern, type: "acme_token", keywords: keywords, field: field)
    }

    private func redactor(
        _ rules: [RedactionRuleConfiguration], allow: [String] = [], withStandard: Bool = false
    ) throws -> Redactor {
        var configuration = RedactionConfiguration()
        configuration.defaultRules = withStandard
        configuration.rules = rules
        configuration.allow = allow
        #expect(RuleCheck.problems(of: configuration) == [])
        return Redactor(rules: try RedactionRules(RuleSet(configuration)))
    }

    @Test("find a pattern")
    func pattern() throws {
        let redactor = try redactor([rule("acme_[0-9a-f]{32}")])
        let token = "acme_0123456789abcdef0123456789abcd1f"
        #expect(redactor.redacted("{\"a\":\"\(token)\"}").text == "{\"a\":\"[REDACTED:acme_token]\"}")
        #expect(redactor.redacted("{\"password\":\"hunter2\"}").isVerbatim, "default_rules is off")
    }

    @Test("find what their group matches, and only beside a keyword when there are any")
    func keywords() throws {
        let redactor = try redactor([rule("id=([0-9]{6})", keywords: ["Acme"])])
        #expect(redactor.redacted("{\"a\":\"ACME id=123457\"}").text == "{\"a\":\"ACME id=[REDACTED:acme_token]\"}")
        #expect(redactor.redacted("{\"a\":\"other id=123457\"}").isVerbatim)
    }

    @Test("find a field, or a pattern in a field")
    func fields() throws {
        let whole = try redactor([rule("", field: "customer.no")])
        #expect(whole.redacted("{\"Customer.No\":\"ab\"}").text == "{\"Customer.No\":\"[REDACTED:acme_token]\"}")
        #expect(whole.redacted("{\"customerxno\":\"ab\"}").isVerbatim)
        let part = try redactor([rule("[0-9]{4,8}", field: "note")])
        #expect(
            part.redacted("{\"note\":\"no \\\"12345\\\" ok\"}").text
                == "{\"note\":\"no \\\"[REDACTED:acme_token]\\\" ok\"}")
        #expect(part.redacted("{\"other\":\"12345\"}").isVerbatim)
    }

    @Test("find a number in a field, which gets the quotes that its level has")
    func numbers() throws {
        let redactor = try redactor([rule("[0-9]{4}", field: "note")])
        #expect(redactor.redacted("{\"note\":123456}").text == "{\"note\":\"[REDACTED:acme_token]\"}")
        #expect(
            redactor.redacted("{\"a\":\"{\\\"note\\\":123456}\"}").text
                == "{\"a\":\"{\\\"note\\\":\\\"[REDACTED:acme_token]\\\"}\"}")
        // A part of it is found by another rule, too.
        let both = try self.redactor([rule("[0-9]{4}")], withStandard: true)
        #expect(
            both.redacted("{\"a\":\"{\\\"password\\\":123456}\"}").text
                == "{\"a\":\"{\\\"password\\\":\\\"[REDACTED:acme_token]\\\"}\"}")
    }

    @Test("ask for their keywords in a field, too, and let pass there what is allowed")
    func askedOfFields() throws {
        let keyed = try redactor([rule("[0-9]{4,8}", field: "note", keywords: ["acme"])])
        #expect(keyed.redacted("{\"note\":\"1234\"}").isVerbatim)
        #expect(keyed.redacted("{\"note\":\"1234\",\"a\":\"Acme\"}").redactions == ["acme_token": 1])
        let allowing = try redactor(
            [rule("", field: "pin"), rule("t[0-9]{2}", field: "note", name: "part")], allow: ["t[0-9]{2}", "\"x y\""],
            withStandard: true)
        #expect(allowing.redacted("{\"pin\":\"t12\",\"note\":\"a t12\",\"password\":\"t34\"}").isVerbatim)
        #expect(allowing.redacted("{\"password\":\"\\\"x y\\\"\"}").isVerbatim)
        #expect(allowing.redacted("{\"pin\":\"t123\",\"password\":\"t345\"}").redactions.count == 2)
    }

    @Test(
        "about a field of any name can be used",
        arguments: ["na\u{ef}ve \u{2192} #1", "a.b[0]", "$ref", "x\u{1F600}", "tab\tbed"])
    func names(field: String) throws {
        let redactor = try redactor([rule("", field: field)])
        #expect(
            redactor.redacted("{\"\(field.escaped)\":\"ab\"}").text
                == "{\"\(field.escaped)\":\"[REDACTED:acme_token]\"}")
    }

    @Test("name what a standard rule finds, too")
    func first() throws {
        let redactor = try redactor([rule("ghp_[A-Za-z0-9]{36}")], withStandard: true)
        var sample = SampleText(seed: 3)
        #expect(redactor.redacted(sample.text("x ghp_{alnum:36}")).redactions == ["acme_token": 1])
        let field = try self.redactor([rule("", field: "password")], withStandard: true)
        #expect(field.redacted("{\"password\":\"hunter2\"}").redactions == ["acme_token": 1])
    }

    @Test("let what is allowed pass, as a whole only")
    func allowed() throws {
        let redactor = try redactor([rule("acme_[0-9]{3,6}")], allow: ["acme_0{3}", "acme_9{1,6}"])
        #expect(redactor.redacted("acme_000 acme_999999").isVerbatim)
        #expect(redactor.redacted("acme_0001 acme_000").text == "[REDACTED:acme_token] acme_000")
    }

    @Test(
        "that cannot be used are refused, each with its reason",
        arguments: [
            ("acme_[0-9", "not understood"), ("(?<=x)acme", "not understood"), ("(a)\\1", "not understood"),
            ("acme_.*", "no longest length"), ("acme_[a-z]+", "no longest length"),
            ("x{0,5}", "matches where nothing is"),
            ("x[a-z]{70000}", ""), ("(?:a{1,40}){1,40}b", "run away"),
            ("(?:[a-z]{1,30}[a-z0-9]{1,30}){1,30}!", "run away"),
        ])
    func refused(pattern: String, reason: String) {
        var configuration = RedactionConfiguration()
        configuration.rules = [rule("fine_[0-9]{4}", name: "fine"), rule(pattern), rule(pattern, name: "again")]
        configuration.allow = [pattern]
        let problems = RuleCheck.problems(of: configuration)
        #expect(problems.map(\.subject) == [.rule(1), .rule(2), .allow])
        for problem in problems {
            #expect(problem.message.contains(reason), "\(problem.message)")
        }
    }

    @Test("change the digest with anything that decides, and with nothing else")
    func digest() {
        func set(_ rule: RedactionRule, _ fields: [String] = [], _ allowed: [String] = []) -> String {
            RuleSet(rules: [rule], fields: fields, allowed: allowed).digest
        }
        func make(_ id: String = "a", _ expression: String = "x{3}", _ entropy: Double = 0, _ source: String = "")
            -> RedactionRule
        {
            RedactionRule(id, expression, entropy: entropy, source: source, examples: [], nearMisses: [])
        }
        let one = set(make())
        #expect(one == set(make("a", "x{3}", 0, "elsewhere")))
        let others = [
            set(make("b")), set(make("a", "x{4}")), set(make("a", "x{3}", 1)), set(make(), ["f"]),
            set(make(), [], ["f"]),
        ]
        #expect(Set(others + [one]).count == 6)
        #expect(RuleSet.none.digest == "none")
        #expect(one.count == 16)
    }
}
