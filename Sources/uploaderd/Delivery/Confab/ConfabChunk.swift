import Shared

/// Lines of a file in the form in which they are sent: an array of JSON strings, as long as the server takes it. Pure.
struct ConfabChunk {
    /// The server counts four bytes besides each line.
    static let mostBytes = 14 << 20
    /// A body has at most 16 MB, and the escapes of JSON are in it.
    private static let mostText = 15_800_000
    /// What is learnt of a session is learnt from so many lines.
    private static let mostSamples = 50

    /// 1-based in the file.
    let firstLine: Int
    private(set) var lines = 0
    private(set) var samples: [[UInt8]] = []
    private var text: [UInt8] = []
    /// By the server's rule.
    private(set) var size = 0
    private let limit: Int

    /// - Parameter limit: in bytes, by the server's rule; of a line alone only the server's own counts.
    init(firstLine: Int, limit: Int) {
        self.firstLine = firstLine
        self.limit = limit
    }

    /// - Returns: `false` when it does not fit; nothing is changed then.
    mutating func add(_ line: [UInt8]) -> Bool {
        let start = text.count
        if lines > 0 { text.append(UInt8(ascii: ",")) }
        let length = JSONLine.append(line, to: &text)
        guard size + length + 4 <= (lines == 0 ? Self.mostBytes : limit), text.count <= Self.mostText else {
            text.removeSubrange(start...)
            return false
        }
        size += length + 4
        lines += 1
        if samples.count < Self.mostSamples { samples.append(line) }
        return true
    }

    /// The body of the request.
    ///
    /// - Parameter metadata: as JSON; `nil`: none.
    func body(_ file: ConfabFile, in session: String, metadata: [UInt8]?) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(text.count + 2048)
        func put(_ text: String) { body += text.utf8 }
        put("{\"session_id\":")
        _ = JSONLine.append(Array(session.utf8), to: &body)
        put(",\"file_name\":")
        _ = JSONLine.append(Array(file.name.utf8), to: &body)
        put(",\"file_type\":\"\(file.kind.rawValue)\",\"first_line\":\(firstLine),\"lines\":[")
        body += text
        put("]")
        if let metadata {
            put(",\"metadata\":")
            body += metadata
        }
        put("}")
        return body
    }
}

/// Any bytes as a JSON string. What is no UTF-8 has none: U+FFFD stands for each byte of it.
enum JSONLine {
    /// - Returns: the length of the string that it stands for, in bytes.
    static func append(_ bytes: [UInt8], to text: inout [UInt8]) -> Int {
        var length = bytes.count
        text.append(UInt8(ascii: "\""))
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
                at += 1
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                text += "\\u00".utf8
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
                at += 1
            case 0x20..<0x80:
                text.append(byte)
                at += 1
            default:
                let count = sequence(bytes[at...])
                if count == 0 {
                    text += [0xEF, 0xBF, 0xBD]
                    length += 2
                } else {
                    text += bytes[at..<at + count]
                }
                at += max(count, 1)
            }
        }
        text.append(UInt8(ascii: "\""))
        return length
    }

    /// - Returns: the bytes of the character that begins here; 0: none does (Unicode, table 3-7).
    private static func sequence(_ bytes: ArraySlice<UInt8>) -> Int {
        let lead = bytes[bytes.startIndex]
        let count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard (0xC2...0xF4).contains(lead), bytes.count >= count else { return 0 }
        let rest = bytes.dropFirst().prefix(count - 1)
        guard let second = rest.first, rest.allSatisfy({ $0 & 0xC0 == 0x80 }) else { return 0 }
        switch lead {
        case 0xE0: return second >= 0xA0 ? count : 0
        case 0xED: return second <= 0x9F ? count : 0
        case 0xF0: return second >= 0x90 ? count : 0
        case 0xF4: return second <= 0x8F ? count : 0
        default: return count
        }
    }
}
