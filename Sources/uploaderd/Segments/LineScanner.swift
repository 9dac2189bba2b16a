private import Glibc
package import Shared

/// What a line is to the cutter.
package enum LineKind: Hashable, Sendable {
    case plain
    /// The agent compacted its context here.
    case checkpoint(CheckpointDetail)
    /// The agent says that the session is over.
    case end
}

/// What a compacted line says about itself.
package struct CheckpointDetail: Hashable, Sendable {
    package var label: String?
    package var git: String?
    package var branch: String?
    /// The detail object, as JSON text, when it is at most 4 KiB long.
    package var payload: String?

    package init(label: String? = nil, git: String? = nil, branch: String? = nil, payload: String? = nil) {
        self.label = label
        self.git = git
        self.branch = branch
        self.payload = payload
    }
}

/// What is odd about a line. It is kept as it is all the same, and counted in `anomalies`.
package struct LineOddities: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Nothing but white space.
    package static let blank = LineOddities(rawValue: 1)
    /// Does not begin with `{` and end with `}`, white space aside.
    package static let notJSON = LineOddities(rawValue: 2)
    /// Holds a NUL byte.
    package static let nul = LineOddities(rawValue: 4)
    /// Two objects without a line end between them.
    package static let glued = LineOddities(rawValue: 8)
    package static let invalidUTF8 = LineOddities(rawValue: 16)
    /// Ends in `"\r\n"`.
    package static let crlf = LineOddities(rawValue: 32)
    /// Begins with a byte order mark.
    package static let bom = LineOddities(rawValue: 64)
    /// Stands for a line that was kept back.
    package static let withheld = LineOddities(rawValue: 128)

    /// In the order of the bits: the words in a manifest.
    package static let names = ["blank", "not_json", "nul", "glued", "invalid_utf8", "crlf", "bom", "withheld"]
}

/// All that one look at a line gives.
package struct LineLook: Hashable, Sendable {
    package var kind: LineKind
    package var oddities: LineOddities

    package init(kind: LineKind = .plain, oddities: LineOddities = []) {
        self.kind = kind
        self.oddities = oddities
    }
}

/// Cheap looks at redacted lines: linear, without recursion, and without a claim that a line is JSON.
package enum LineScanner {
    /// A line, with or without its line end.
    ///
    /// Most lines cost one pass of `ByteGlance`, those with non-ASCII text a UTF-8 check besides (together about 6 % of
    /// what libdeflate takes at level 6); only one that has `}{`, or a word that begins a checkpoint or an end, is scanned.
    package static func look(at bytes: UnsafeRawBufferPointer) -> LineLook {
        let seen = ByteGlance.over(bytes)
        var look = LineLook()
        if seen.contains(.nul) { look.oddities.insert(.nul) }
        if seen.contains(.nonASCII), !UTF8Check.isValid(bytes) { look.oddities.insert(.invalidUTF8) }
        lookAtEnds(bytes, &look.oddities)
        if seen.isDisjoint(with: [.closeOpen, .compact, .shutdown]) || look.oddities.contains(.blank) { return look }
        let mayMark =
            seen.contains(.compact) && find("\"compact", in: bytes)
            && (find("\"compacted\"", in: bytes) || find("\"compact_boundary\"", in: bytes))
            || seen.contains(.shutdown) && find("\"session.shutdown\"", in: bytes)
        if mayMark || seen.contains(.closeOpen) {
            var scanner = TopLevelScanner()
            scanner.feed(bytes)
            if scanner.isGlued { look.oddities.insert(.glued) }
            look.kind = kind(of: scanner)
        }
        return look
    }

    /// The top-level `timestamp` of a line, if it has one that RFC 3339 allows.
    package static func timestamp(of bytes: UnsafeRawBufferPointer) -> WallTime? {
        guard find("timestamp", in: bytes) else { return nil }
        var scanner = TopLevelScanner()
        scanner.feed(bytes)
        return timestamp(of: scanner)
    }

    static func timestamp(of scanner: TopLevelScanner) -> WallTime? {
        scanner[.timestamp].flatMap { RFC3339.parse($0) }
    }

    static func kind(of scanner: TopLevelScanner) -> LineKind {
        switch scanner[.type] {
        case "compacted": .checkpoint(detail(of: scanner))
        case "system" where scanner[.subtype] == "compact_boundary": .checkpoint(detail(of: scanner))
        case "session.shutdown": .end
        default: .plain
        }
    }

    private static func detail(of scanner: TopLevelScanner) -> CheckpointDetail {
        let details = TopLevelScanner.Detail.allCases
        func first(_ member: TopLevelScanner.DetailMember) -> String? {
            details.lazy.compactMap { scanner[$0, member] }.first { !$0.isEmpty }
        }
        return CheckpointDetail(
            label: first(.label) ?? first(.summary) ?? scanner[.note] ?? "compacted",
            git: first(.gitCommit) ?? first(.git), branch: first(.branch) ?? scanner[.gitBranch],
            payload: details.lazy.compactMap { scanner[$0] }.first)
    }

    /// What the first and the last bytes tell.
    static func lookAtEnds(_ bytes: UnsafeRawBufferPointer, _ oddities: inout LineOddities) {
        var end = bytes.count
        if end > 0, bytes[end - 1] == 0x0A {
            end -= 1
            if end > 0, bytes[end - 1] == 0x0D { oddities.insert(.crlf) }
        }
        var start = 0
        if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            oddities.insert(.bom)
            start = 3
        }
        while start < end, isSpace(bytes[start]) { start += 1 }
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        if start == end {
            oddities.insert(.blank)
        } else if bytes[start] != UInt8(ascii: "{") || bytes[end - 1] != UInt8(ascii: "}") {
            oddities.insert(.notJSON)
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }

    private static func find(_ word: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress else { return false }
        return memmem(start, bytes.count, word.utf8Start, word.utf8CodeUnitCount) != nil
    }
}
