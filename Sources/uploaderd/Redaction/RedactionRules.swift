import Synchronization

/// What is looked for and removed, ready for use. Immutable: a reload makes another.
package struct RedactionRules: Sendable {
    /// A digest of all that decides what a line becomes, or `none`: `rules` of a segment.
    package let digest: String
    private let applied: AppliedRules?

    /// Every line passes as it is.
    package static let none = RedactionRules(digest: "none", applied: nil)

    private init(digest: String, applied: AppliedRules?) {
        self.digest = digest
        self.applied = applied
    }

    /// What depends on nothing but the set and this library: under it the compiled form of the rules can be kept.
    package static func cacheKey(of set: RuleSet) -> String { "\(set.digest) vectorscan \(RuleDatabase.version)" }

    /// - Parameters:
    ///   - set: whose expressions were checked: see `RuleCheck`.
    ///   - compiled: what `compiled` of an earlier life was, of the same `cacheKey`; `nil`, or what cannot be used: it is
    ///     compiled, which takes about a second.
    package init(_ set: RuleSet, compiled: [UInt8]? = nil) throws(RedactionError) {
        guard !set.isNone else {
            self = .none
            return
        }
        digest = set.digest
        if let compiled, let database = RuleDatabase.deserialised(compiled, of: set) {
            applied = AppliedRules(set, database, isFresh: false)
        } else {
            applied = AppliedRules(set, try RuleDatabase.compiled(set), isFresh: true)
        }
    }

    /// The compiled form, to be kept; `nil`: it was made from such a form, or there is none.
    package func compiled() throws(RedactionError) -> [UInt8]? {
        guard let applied, applied.isFresh else { return nil }
        return try applied.database.serialised()
    }

    var isNone: Bool { applied == nil }

    /// - Parameter body: gets something to look with; one at a time has it.
    func withSearch<Result>(_ body: (LineSearch) -> Result) -> Result? { applied?.withSearch(body) }

    /// What stands in the place of a secret.
    func marker(of span: RawSpan) -> [UInt8] { Array("[REDACTED:\(type(of: span))]".utf8) }

    func type(of span: RawSpan) -> String { applied?.type(of: span) ?? "secret" }

    func id(of span: RawSpan) -> String { applied?.id(of: span) ?? "secret" }
}

/// A compiled rule set, and what lanes search with it.
private final class AppliedRules: Sendable {
    private let set: RuleSet
    let database: RuleDatabase
    let isFresh: Bool
    private let finders: RuleFinders
    private let idle = Mutex<[Idle]>([])

    // Sendable, proof: who takes one out of the list has it alone until it is put back
    private struct Idle: @unchecked Sendable {
        var search: LineSearch
    }

    init(_ set: RuleSet, _ database: RuleDatabase, isFresh: Bool) {
        self.set = set
        self.database = database
        self.isFresh = isFresh
        finders = RuleFinders(set)
    }

    /// - Returns: `nil` when there is no memory for it.
    func withSearch<Result>(_ body: (LineSearch) -> Result) -> Result? {
        let search: LineSearch
        if let known = idle.withLock({ $0.popLast() }) {
            search = known.search
        } else {
            do throws(RedactionError) {
                search = try LineSearch(set, database, finders)
            } catch {
                return nil  // safe: the line is withheld
            }
        }
        let returned = Idle(search: search)
        defer { idle.withLock { $0.append(returned) } }
        return body(search)
    }

    func type(of span: RawSpan) -> String {
        span.rule < set.rules.count ? set.rules[span.rule].type : SensitiveFields.type
    }

    func id(of span: RawSpan) -> String { span.rule < set.rules.count ? set.rules[span.rule].id : SensitiveFields.id }
}
