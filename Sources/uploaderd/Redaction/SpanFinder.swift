private import CPCRE2
import Synchronization

/// One expression, for where its matches begin and end, and what in them is the secret: PCRE2 with JIT.
///
/// Compiled when it is first needed: most rules never are. Every search is bounded by where it may begin and by limits on
/// what it may try.
// Sendable, proof: a pcre2_code is only read once it is compiled: pcre2api(3), MULTITHREADING
final class SpanFinder: @unchecked Sendable {
    private let expression: String
    private let code = Mutex<Code?>(nil)

    // Sendable, proof: the pointer is set once, behind the mutex, and what it leads to is only read from then on
    private struct Code: @unchecked Sendable {
        var pointer: OpaquePointer
        /// It is machine code, too. `false`: there is no executable memory, and matching goes on without, slower.
        var isNative: Bool
    }

    init(_ expression: String) { self.expression = expression }

    deinit { code.withLock { if let code = $0 { pcre2_code_free_8(code.pointer) } } }

    /// A match: all of it, and the secret in it.
    struct Match {
        var whole: Range<Int>
        var secret: Range<Int>
    }

    enum Outcome {
        case none
        case match(Match)
        /// It tried too much, or there is no memory.
        case failed
    }

    /// What searches write to; one search at a time.
    final class Workspace {
        fileprivate let data: OpaquePointer
        fileprivate let context: OpaquePointer
        private let stack: OpaquePointer?

        init() throws(RedactionError) {
            guard let data = pcre2_match_data_create_8(16, nil), let context = pcre2_match_context_create_8(nil) else {
                throw RedactionError(.noEngine, "there is no memory to apply the redaction rules in")
            }
            self.data = data
            self.context = context
            stack = pcre2_jit_stack_create_8(32 << 10, 1 << 20, nil)
            pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
            pcre2_set_match_limit_8(context, SpanFinder.mostTried)
            pcre2_set_depth_limit_8(context, 20_000)
            pcre2_set_heap_limit_8(context, 8 << 10)
        }

        deinit {
            pcre2_match_data_free_8(data)
            pcre2_match_context_free_8(context)
            pcre2_jit_stack_free_8(stack)
        }
    }

    /// Backtracking steps of one search: some milliseconds.
    private static let mostTried: UInt32 = 1_000_000

    /// PCRE2_UNSET, a cast: the group took no part.
    private static let unset = -1

    /// - Throws: why it cannot be compiled.
    func prepare() throws(RedactionError) { _ = try compiled() }

    /// The first match that begins in `range` of the text.
    func match(
        in text: UnsafePointer<UInt8>, _ count: Int, beginningIn range: ClosedRange<Int>, _ workspace: Workspace
    ) -> Outcome {
        let code: Code
        do throws(RedactionError) { code = try compiled() } catch { return .failed }
        pcre2_set_offset_limit_8(workspace.context, range.upperBound)
        // Called directly it saves the checks of what is always right here.
        let found =
            code.isNative
            ? cpcre2_jit_match(code.pointer, text, count, range.lowerBound, workspace.data, workspace.context)
            : cpcre2_match(code.pointer, text, count, range.lowerBound, 0, workspace.data, workspace.context)
        if found == PCRE2_ERROR_NOMATCH { return .none }
        guard found > 0, let places = pcre2_get_ovector_pointer_8(workspace.data) else { return .failed }
        let whole = places[0]..<places[1]
        // Alternatives have groups of their own: the one that took part.
        for group in 1..<max(1, Int(found)) where places[group * 2] != Self.unset {
            return .match(Match(whole: whole, secret: places[group * 2]..<places[group * 2 + 1]))
        }
        return .match(Match(whole: whole, secret: whole))
    }

    private func compiled() throws(RedactionError) -> Code {
        try code.withLock { (known) throws(RedactionError) in
            if let known { return known }
            var error: Int32 = 0
            var offset = 0
            let bytes = Array(expression.utf8)
            guard
                let made = cpcre2_compile(
                    bytes, bytes.count, UInt32(PCRE2_USE_OFFSET_LIMIT) | UInt32(PCRE2_NEVER_BACKSLASH_C), &error,
                    &offset)
            else {
                var text = [UInt8](repeating: 0, count: 256)
                let length = cpcre2_message(error, &text, text.count)
                throw RedactionError(
                    .badRule,
                    "the expression is not understood at character \(offset): "
                        + String(decoding: text.prefix(Int(max(0, length))), as: UTF8.self),
                    hint: "see docs/formats.md, Redaction")
            }
            let code = Code(
                pointer: made, isNative: pcre2_jit_compile_8(made, UInt32(PCRE2_JIT_COMPLETE)) == 0)
            known = code
            return code
        }
    }
}
