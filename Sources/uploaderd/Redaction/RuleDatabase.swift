private import CVectorscan
private import Glibc
import Shared

/// All expressions of a rule set as one automaton: says in one pass which of them match in a line, and where each match
/// ends. Where it begins is PCRE2's to say, from that end and the longest that the rule's matches can be.
///
/// Immutable once it is made, and used by all lanes; what a scan writes to is in `Scratch`.
// Sendable, proof: hs_database_t is only read after it was made: hs_runtime.h
final class RuleDatabase: @unchecked Sendable {
    /// The numbers of the expressions that find names of sensitive fields begin here: one for each kind, and one for names that end in
    /// a word; those of rules are their places in the set. Of a rule that is about a field, too: then it is the field's name that was found.
    static let fieldNumber: UInt32 = 0xFF_FF00
    private static let wordNumber: UInt32 = 0xFF_FFFF

    /// What kind of field was found by such an expression, whose name ends before `end`; `nil`: none.
    static func fieldKind(_ number: UInt32, endingAt end: Int, in text: UnsafeBufferPointer<UInt8>) -> FieldKind? {
        if number < fieldNumber { return nil }
        return number == wordNumber
            ? FieldName.kind(endingAt: end, in: text) : FieldKind(rawValue: number - fieldNumber)
    }

    private let database: OpaquePointer
    /// Of each rule: how long a match of its trigger can be, in bytes; 0: it is about a field, and its name is what is found.
    let widths: [Int]

    private init(database: OpaquePointer, widths: [Int]) {
        self.database = database
        self.widths = widths
    }

    deinit { hs_free_database(database) }

    /// One expression as Vectorscan is to look for it.
    private struct Pattern {
        var text: String
        var number: UInt32
        var flags: UInt32 = 0
    }

    private static func patterns(of set: RuleSet) -> [Pattern] {
        var patterns = set.rules.enumerated().map { place, rule in
            rule.field.isEmpty
                ? Pattern(text: rule.scanned, number: UInt32(place))
                : Pattern(
                    text: SensitiveFields.expression(ofOwn: rule.field), number: UInt32(place),
                    flags: UInt32(HS_FLAG_CASELESS))
        }
        for name in set.fields {
            let number = SensitiveFields.kind(of: name).map { fieldNumber + $0.rawValue } ?? wordNumber
            patterns += SensitiveFields.expressions(of: name).map {
                Pattern(text: $0, number: number, flags: UInt32(HS_FLAG_CASELESS))
            }
        }
        return patterns
    }

    /// Builds it anew: a second for some hundred rules.
    static func compiled(_ set: RuleSet) throws(RedactionError) -> RuleDatabase {
        let patterns = patterns(of: set)
        var widths = [Int](repeating: 0, count: set.rules.count)
        for (place, rule) in set.rules.enumerated() where rule.field.isEmpty {
            widths[place] = try width(of: rule.scanned)
        }
        var database: OpaquePointer?
        var failure: UnsafeMutablePointer<hs_compile_error_t>?
        let texts = patterns.map { UnsafePointer(strdup($0.text)) }
        defer { for text in texts { free(UnsafeMutablePointer(mutating: text)) } }
        let code = hs_compile_multi(
            texts, patterns.map(\.flags), patterns.map(\.number), UInt32(patterns.count), UInt32(HS_MODE_BLOCK), nil,
            &database, &failure)
        guard code == HS_SUCCESS, let database else {
            throw error(failure, "the redaction rules could not be compiled")
        }
        return RuleDatabase(database: database, widths: widths)
    }

    /// How long a match can be.
    ///
    /// - Throws: when the expression is not understood, matches nothing at all, or something of any length.
    static func width(of expression: String, _ flags: UInt32 = 0) throws(RedactionError) -> Int {
        var info: UnsafeMutablePointer<hs_expr_info_t>?
        var failure: UnsafeMutablePointer<hs_compile_error_t>?
        guard hs_expression_info(expression, flags, &info, &failure) == HS_SUCCESS, let info else {
            throw error(failure, "the expression is not understood")
        }
        defer { free(info) }
        guard info.pointee.max_width != UInt32.max else {
            throw RedactionError(
                .badRule, "what it matches has no longest length, so it could run away over a whole line",
                hint: "give every repeat one: {0,64} in the place of *, {1,64} in the place of +")
        }
        guard info.pointee.min_width > 0 else {
            throw RedactionError(
                .badRule, "it matches where nothing is", hint: "let it ask for at least one character")
        }
        return Int(info.pointee.max_width)
    }

    private static func error(
        _ failure: UnsafeMutablePointer<hs_compile_error_t>?, _ fallback: String
    ) -> RedactionError {
        guard let failure else { return RedactionError(.noEngine, "\(fallback): no memory, or this CPU is too old") }
        defer { hs_free_compile_error(failure) }
        let reason = failure.pointee.message.map { String(cString: $0) } ?? ""
        return RedactionError(
            .badRule, "\(fallback): \(reason)",
            hint: "look-around, back-references and \\K are not available; see docs/formats.md, Redaction")
    }

    // MARK: As bytes

    /// What else the bytes of a compiled database depend on: in which form it is given the rules, and its version.
    static var version: String { "3, " + (hs_version().map { String(cString: $0) } ?? "") }

    /// - Returns: the widths, each as four bytes, their number before them, little-endian; then Vectorscan's own form.
    func serialised() throws(RedactionError) -> [UInt8] {
        var bytes: UnsafeMutablePointer<CChar>?
        var count = 0
        guard hs_serialize_database(database, &bytes, &count) == HS_SUCCESS, let bytes else {
            throw RedactionError(.noEngine, "the compiled rules could not be serialised: no memory")
        }
        defer { free(bytes) }
        var all: [UInt8] = []
        for number in [widths.count] + widths {
            withUnsafeBytes(of: UInt32(number).littleEndian) { all.append(contentsOf: $0) }
        }
        all.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        return all
    }

    /// - Returns: `nil` when they are not what `serialised` of this library on this machine gave for such a set.
    static func deserialised(_ bytes: [UInt8], of set: RuleSet) -> RuleDatabase? {
        bytes.withUnsafeBytes { all in
            guard all.count >= 4 else { return nil }
            func number(at place: Int) -> Int {
                Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
            }
            let count = number(at: 0)
            guard count == set.rules.count, all.count > (count + 1) * 4 else { return nil }
            let rest = UnsafeRawBufferPointer(rebasing: all[((count + 1) * 4)...])
            var database: OpaquePointer?
            let code = hs_deserialize_database(
                rest.baseAddress?.assumingMemoryBound(to: CChar.self), rest.count, &database)
            guard code == HS_SUCCESS, let database else { return nil }
            return RuleDatabase(database: database, widths: (1..<count + 1).map(number))
        }
    }

    // MARK: Scanning

    /// What one scan at a time writes to. Not shared.
    final class Scratch {
        fileprivate let space: OpaquePointer
        /// Behind a pointer, which a call for each match reaches without asking whether somebody else has it.
        fileprivate let found: UnsafeMutablePointer<RuleHits>

        fileprivate init(space: OpaquePointer, found: RuleHits) {
            self.space = space
            self.found = .allocate(capacity: 1)
            self.found.initialize(to: found)
        }

        deinit {
            found.deinitialize(count: 1)
            found.deallocate()
            hs_free_scratch(space)
        }

        /// Of the last scan.
        var hits: [RuleHits.Hit] { found.pointee.hits }
    }

    /// Takes some memory: keep it for the next scan.
    func makeScratch() throws(RedactionError) -> Scratch {
        var space: OpaquePointer?
        guard hs_alloc_scratch(database, &space) == HS_SUCCESS, let space else {
            throw RedactionError(.noEngine, "there is no memory to apply the redaction rules in")
        }
        return Scratch(space: space, found: RuleHits(widths: widths))
    }

    /// Leaves in `scratch.hits` what matches, of each rule in the order of the first ends.
    ///
    /// - Parameter count: in bytes, at most 4 GiB.
    /// - Returns: `false` when it could not be looked through.
    func scan(_ text: UnsafePointer<UInt8>, _ count: Int, _ scratch: Scratch) -> Bool {
        scratch.found.pointee.begin()
        guard count <= Int(UInt32.max) else { return false }
        let code = hs_scan(
            database, UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self), UInt32(count), 0, scratch.space,
            { number, _, end, _, place in
                guard let place else { return 1 }
                place.assumingMemoryBound(to: RuleHits.self).pointee.note(number, Int(end))
                return 0
            }, scratch.found)
        scratch.found.pointee.end()
        return code == HS_SUCCESS
    }
}
