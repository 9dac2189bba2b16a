import Digests
import Shared

/// An object on its way in parts: what of it the server has.
struct PartedUpload: Sendable {
    /// The server's word for it.
    var id: String
    /// In bytes; of all parts but the last.
    var partSize: Int64
    /// By number, from 1.
    var parts: [Int: Part] = [:]

    struct Part: Sendable {
        var digest: Digest256
        /// What the server calls it.
        var tag: String
    }

    /// Where each part lies in a body; the first has the number 1.
    func ranges(of size: Int64) -> [Range<Int64>] {
        stride(from: 0, to: size, by: Int64.Stride(partSize)).map { $0..<min($0 + partSize, size) }
    }

    /// What joins the parts 1 to `count`.
    func completion(_ count: Int) -> [UInt8] {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for number in 1...max(count, 1) {
            guard let part = parts[number] else { continue }
            text += "<Part><PartNumber>\(number)</PartNumber><ETag>\(Self.escaped(part.tag))</ETag></Part>"
        }
        return Array((text + "</CompleteMultipartUpload>").utf8)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { text, character in
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.append(character)
            }
        }
    }
}

/// Those that one store has open.
struct PartedUploads: Sendable {
    var open: [ObjectKey: PartedUpload] = [:]
    /// The server cannot join them under a condition.
    var isPlain = false
    /// What earlier lives left was looked for.
    var isSwept = false
}

/// How long what goes in one piece may be, and how long pieces are.
package struct PartLimits: Sendable {
    /// In bytes: more goes in parts.
    package var longestWhole: Int64
    /// In bytes, but for the last one; S3 wants at least 5 MiB.
    package var usualPart: Int64
    /// S3 takes so many.
    private static let mostParts: Int64 = 10_000

    package init(longestWhole: Int64 = 16 << 20, usualPart: Int64 = 8 << 20) {
        self.longestWhole = longestWhole
        self.usualPart = usualPart
    }

    /// How long the parts of an object of this size are.
    func partSize(of size: Int64) -> Int64 {
        let least = (size + Self.mostParts - 1) / Self.mostParts
        let unit: Int64 = 1 << 20
        return least <= usualPart ? usualPart : (least + unit - 1) / unit * unit
    }
}
