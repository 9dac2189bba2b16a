private import Glibc
private import Shared

/// Learns a few members of one line's top-level object, from bytes that may come in pieces.
///
/// It survives anything: it keeps a depth and no stack, so nesting costs nothing; it looks at each byte a bounded number
/// of times; what is not JSON ends the scan with what was learnt until then. Of a key that comes twice the last value
/// counts. Keys are compared after unescaping.
struct TopLevelScanner {
    /// Top-level members whose text is kept.
    enum Member: Int, CaseIterable {
        case type, subtype, timestamp, note, gitBranch
    }

    /// Top-level members that are looked into, in order of preference.
    enum Detail: Int, CaseIterable {
        case checkpoint, detail, payload, compactMetadata
    }

    /// Members of a detail object whose text is kept.
    enum DetailMember: Int, CaseIterable {
        case label, summary, gitCommit, git, branch
    }

    /// Longer texts keep their first bytes.
    static let textLimit = 1024
    /// A detail object that is longer as JSON text is not kept: it would be in every manifest, and is in the line.
    static let detailLimit = 4096

    private(set) var members = [String?](repeating: nil, count: Member.allCases.count)
    private(set) var details = [String?](repeating: nil, count: Detail.allCases.count)
    private(set) var detailMembers = [String?](
        repeating: nil, count: Detail.allCases.count * DetailMember.allCases.count)
    /// A second object begins right behind the first.
    private(set) var isGlued = false

    private enum Key {
        case member(Member)
        case detail(Detail)
        case inDetail(DetailMember)
    }

    private enum Reading {
        case structure, key, value, skipped
    }

    private var stopped = false
    private var depth = 0
    private var ended = false
    private var topIsObject = false
    private var keyDue = false
    private var key: Key?
    private var reading = Reading.structure
    private var escaped = false
    private var text: [UInt8] = []
    private var open: Detail?
    private var openText: [UInt8] = []

    subscript(member: Member) -> String? { members[member.rawValue] }
    subscript(detail: Detail) -> String? { details[detail.rawValue] }
    subscript(detail: Detail, member: DetailMember) -> String? { detailMembers[Self.slot(detail, member)] }

    mutating func feed(_ piece: UnsafeRawBufferPointer) {
        var index = 0
        var detailFrom = open == nil ? nil : 0
        while index < piece.count, !stopped {
            if reading != .structure {
                index = string(in: piece, from: index)
                continue
            }
            let byte = piece[index]
            switch byte {
            case UInt8(ascii: "\""):
                beginString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if openContainer(byte) { detailFrom = index }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 2, let detail = open {
                    if let from = detailFrom { keepDetail(piece, from..<index + 1) }
                    closeDetail(detail)
                    detailFrom = nil
                }
                closeContainer()
            case UInt8(ascii: ","):
                if depth == 1, topIsObject { (keyDue, key) = (true, nil) }
                if depth == 2, open != nil { (keyDue, key) = (true, nil) }
            case UInt8(ascii: ":"): keyDue = false
            case 0x20, 0x09, 0x0A, 0x0D: break
            default:
                if depth == 0 { stopped = ended || !isByteOrderMark(byte) }
            }
            index += 1
        }
        if let from = detailFrom, !stopped { keepDetail(piece, from..<piece.count) }
    }

    // Bytes EF BB BF before the first brace; in any order, since nothing hangs on it.
    private func isByteOrderMark(_ byte: UInt8) -> Bool { byte == 0xEF || byte == 0xBB || byte == 0xBF }

    /// - Returns: true when a detail object begins.
    private mutating func openContainer(_ byte: UInt8) -> Bool {
        let isObject = byte == UInt8(ascii: "{")
        if depth == 0 {
            if ended {
                isGlued = isObject
                stopped = true
                return false
            }
            topIsObject = isObject
            keyDue = isObject
        }
        depth += 1
        guard depth == 2, isObject, topIsObject, !keyDue, case .detail(let detail)? = key else { return false }
        open = detail
        openText.removeAll(keepingCapacity: true)
        (keyDue, key) = (true, nil)
        return true
    }

    private mutating func closeContainer() {
        depth -= 1
        if depth == 0 { ended = true }
        if depth < 0 { stopped = true }
        if depth == 1 { key = nil }
    }

    private mutating func closeDetail(_ detail: Detail) {
        details[detail.rawValue] =
            openText.count <= Self.detailLimit ? String(validating: openText, as: UTF8.self) : nil
        open = nil
    }

    private mutating func keepDetail(_ piece: UnsafeRawBufferPointer, _ range: Range<Int>) {
        // One byte over the limit says "too long".
        let room = Self.detailLimit + 1 - openText.count
        openText.append(contentsOf: piece[range.lowerBound..<min(range.upperBound, range.lowerBound + max(room, 0))])
    }

    private mutating func beginString() {
        if depth == 0 {
            stopped = true
            return
        }
        let near = depth == 1 && topIsObject || depth == 2 && open != nil
        text.removeAll(keepingCapacity: true)
        if near, keyDue {
            reading = .key
        } else if near, key != nil {
            reading = .value
        } else {
            reading = .skipped
        }
    }

    /// Goes through a string, from a byte inside it.
    ///
    /// - Returns: the index behind its closing quote, or the end of the piece.
    private mutating func string(in piece: UnsafeRawBufferPointer, from first: Int) -> Int {
        var at = first
        if escaped {
            at += 1
            escaped = false
        }
        var quote = -1
        while at < piece.count {
            // Found once for many backslashes before it: searching it anew for each would be quadratic.
            if quote < at { quote = find(UInt8(ascii: "\""), in: piece, at..<piece.count) ?? piece.count }
            guard let slash = find(UInt8(ascii: "\\"), in: piece, at..<quote) else {
                keepText(piece, first..<quote)
                if quote == piece.count { return quote }
                endString()
                return quote + 1
            }
            if slash + 1 == piece.count { escaped = true }
            at = slash + 2
        }
        keepText(piece, first..<piece.count)
        return piece.count
    }

    private func find(_ byte: UInt8, in piece: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard let start = piece.baseAddress, !range.isEmpty,
            let hit = memchr(start + range.lowerBound, Int32(byte), range.count)
        else { return nil }
        return UnsafeRawPointer(hit) - start
    }

    private mutating func keepText(_ piece: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard reading != .skipped, text.count < Self.textLimit else { return }
        let end = min(range.upperBound, range.lowerBound + Self.textLimit - text.count)
        text.append(contentsOf: piece[range.lowerBound..<end])
    }

    private mutating func endString() {
        switch reading {
        case .key:
            key = named(JSONString.unescaped(text))
            forget(key)
        case .value: keep(JSONString.unescaped(text))
        case .skipped, .structure: break
        }
        reading = .structure
    }

    private func named(_ name: String) -> Key? {
        if open != nil {
            switch name {
            case "label": .inDetail(.label)
            case "summary": .inDetail(.summary)
            case "git_commit": .inDetail(.gitCommit)
            case "git": .inDetail(.git)
            case "branch": .inDetail(.branch)
            default: nil
            }
        } else {
            switch name {
            case "type": .member(.type)
            case "subtype": .member(.subtype)
            case "timestamp": .member(.timestamp)
            case "note": .member(.note)
            case "gitBranch": .member(.gitBranch)
            case "checkpoint": .detail(.checkpoint)
            case "detail": .detail(.detail)
            case "payload": .detail(.payload)
            case "compactMetadata": .detail(.compactMetadata)
            default: nil
            }
        }
    }

    private mutating func forget(_ key: Key?) {
        switch key {
        case .member(let member): members[member.rawValue] = nil
        case .inDetail(let member): if let open { detailMembers[Self.slot(open, member)] = nil }
        case .detail(let detail):
            details[detail.rawValue] = nil
            for member in DetailMember.allCases { detailMembers[Self.slot(detail, member)] = nil }
        case nil: break
        }
    }

    private mutating func keep(_ value: String) {
        switch key {
        case .member(let member): members[member.rawValue] = value
        case .inDetail(let member): if let open { detailMembers[Self.slot(open, member)] = value }
        case .detail, nil: break
        }
        key = nil
    }

    private static func slot(_ detail: Detail, _ member: DetailMember) -> Int {
        detail.rawValue * DetailMember.allCases.count + member.rawValue
    }
}
