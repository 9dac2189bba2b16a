import Redaction
import Testing

@Suite("Every standard rule")
struct RuleTests {
    @Test("finds its examples", arguments: RuleSet.standard.rules)
    func examples(rule: RedactionRule) throws {
        let alone = Redactor(rules: try RedactionRules(RuleSet(rules: [rule], fields: [])))
        #expect(!rule.examples.isEmpty && !rule.nearMisses.isEmpty && !rule.source.isEmpty)
        for seed in 1...8 as ClosedRange<UInt64> {
            var sample = SampleText(seed: seed)
            for template in rule.examples {
                let text = sample.text(template)
                let found = alone.findings(of: text)
                #expect(found?.isEmpty == false, "\(rule.id) does not find \(text) (seed \(seed))")
            }
        }
    }

    @Test("leaves its near misses alone", arguments: RuleSet.standard.rules)
    func nearMisses(rule: RedactionRule) throws {
        let alone = Redactor(rules: try RedactionRules(RuleSet(rules: [rule], fields: [])))
        for seed in 1...8 as ClosedRange<UInt64> {
            var sample = SampleText(seed: seed)
            for template in rule.nearMisses {
                let text = sample.text(template)
                #expect(alone.findings(of: text) == [], "\(rule.id) finds something in \(text) (seed \(seed))")
            }
        }
    }

    @Test("has a name of its own, and there are those of at least a hundred providers")
    func names() {
        let rules = RuleSet.standard.rules
        #expect(Set(rules.map(\.id)).count == rules.count)
        #expect(rules.count >= 150)
    }
}
