/// A pattern for paths relative to a root.
///
///     ?          one character of a name
///     *          any number of characters of a name
///     **         as a whole component: any number of directories; at the end, everything below
///     [a-z] [!a] one character that is, or is not, among these; a `[` that is never closed is itself
///     \x         x itself
///
/// The whole path must match: `*.jsonl` is a file in the root, `**/*.jsonl` one anywhere below. A leading slash is
/// ignored. Letters are compared exactly. A dot is like any other character.
///
/// The pattern is run as a set of states over the path, so hostile ones cost no more than pattern times path.
package struct Glob: Sendable, Hashable, CustomStringConvertible {
    private enum Token: Hashable, Sendable {
        case scalar(Unicode.Scalar)
        case one
        case set([ClosedRange<Unicode.Scalar>], negated: Bool)
        case star
        /// `**/`: before a component.
        case treeStart
        /// `**/`: inside a component; always follows `treeStart`.
        case treeInside
        case rest
    }

    package let description: String
    private let tokens: [Token]

    /// At most this many characters.
    private static let longest = 1024

    package init(_ pattern: String) throws(CaptureError) {
        let text = Array(pattern.unicodeScalars.drop { $0 == "/" })
        guard !text.isEmpty else {
            throw CaptureError(.invalidPattern, "an empty glob matches nothing", hint: "remove it, or write **")
        }
        guard text.count <= Self.longest else {
            throw CaptureError(
                .invalidPattern, "a glob has \(text.count) characters; at most \(Self.longest) are taken")
        }
        description = pattern
        tokens = Self.tokens(text)
    }

    /// Matches one file in the root and nothing else.
    package init(literal name: String) {
        description = name
        tokens = name.unicodeScalars.map { .scalar($0) }
    }

    /// A pattern of ours, known to be well formed.
    init(known pattern: String) {
        description = pattern
        tokens = Self.tokens(Array(pattern.unicodeScalars))
    }

    package func matches(_ relativePath: String) -> Bool { states(after: relativePath.unicodeScalars).last == true }

    /// Whether any path below the directory can match. The root is the empty path.
    package func canMatch(below directory: String) -> Bool {
        directory.isEmpty || states(after: (directory + "/").unicodeScalars).contains(true)
    }

    /// Whether every path below the directory matches.
    package func matchesAll(below directory: String) -> Bool {
        guard tokens.last == .rest else { return false }
        let states = states(after: (directory.isEmpty ? "" : directory + "/").unicodeScalars)
        return states[tokens.count - 1]
    }

    /// - Returns: for each token whether the match may go on there, then whether it is complete.
    private func states(after path: some Sequence<Unicode.Scalar>) -> [Bool] {
        var now = [Bool](repeating: false, count: tokens.count + 1)
        now[0] = true
        skip(&now)
        var next = now
        for scalar in path {
            for index in next.indices { next[index] = false }
            var isAlive = false
            for (index, token) in tokens.enumerated() where now[index] {
                guard let target = step(token, at: index, over: scalar) else { continue }
                next[target] = true
                isAlive = true
            }
            guard isAlive else { return next }
            skip(&next)
            swap(&now, &next)
        }
        return now
    }

    private func step(_ token: Token, at index: Int, over scalar: Unicode.Scalar) -> Int? {
        switch token {
        case .scalar(let wanted): scalar == wanted ? index + 1 : nil
        case .one: scalar != "/" ? index + 1 : nil
        case .set(let ranges, let negated):
            scalar != "/" && ranges.contains { $0.contains(scalar) } != negated ? index + 1 : nil
        case .star: scalar != "/" ? index : nil
        case .treeStart: scalar != "/" ? index + 1 : nil
        case .treeInside: scalar != "/" ? index : index - 1
        case .rest: index
        }
    }

    /// Adds the states that need no character.
    private func skip(_ states: inout [Bool]) {
        for (index, token) in tokens.enumerated() where states[index] {
            switch token {
            case .star, .rest: states[index + 1] = true
            case .treeStart: states[index + 2] = true
            case .scalar, .one, .set, .treeInside: break
            }
        }
    }

    private static func tokens(_ text: [Unicode.Scalar]) -> [Token] {
        var tokens: [Token] = []
        var index = 0
        while index < text.count {
            switch text[index] {
            case "\\" where index + 1 < text.count:
                tokens.append(.scalar(text[index + 1]))
                index += 2
            case "?":
                tokens.append(.one)
                index += 1
            case "*":
                let start = index
                while index < text.count, text[index] == "*" { index += 1 }
                let opens = start == 0 || text[start - 1] == "/"
                if index - start == 2, opens, index == text.count {
                    tokens.append(.rest)
                } else if index - start == 2, opens, text[index] == "/" {
                    tokens += [.treeStart, .treeInside]
                    index += 1
                } else {
                    tokens.append(.star)
                }
            case "[":
                if let (token, end) = set(text, from: index + 1) {
                    tokens.append(token)
                    index = end
                } else {
                    tokens.append(.scalar("["))
                    index += 1
                }
            case let scalar:
                tokens.append(.scalar(scalar))
                index += 1
            }
        }
        return tokens
    }

    /// - Returns: the set whose first character is at `start`, and where the pattern goes on; `nil` when it never ends.
    private static func set(_ text: [Unicode.Scalar], from start: Int) -> (Token, Int)? {
        var index = start
        var negated = false
        if index < text.count, text[index] == "!" || text[index] == "^" {
            negated = true
            index += 1
        }
        let first = index
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while index < text.count {
            // A closing bracket that comes first is an ordinary character: glob(7).
            if text[index] == "]", index > first { return (.set(ranges, negated: negated), index + 1) }
            let low = text[index]
            if index + 2 < text.count, text[index + 1] == "-", text[index + 2] != "]" {
                let high = text[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}
