import Foundation
import Redaction
import Shared

/// What stands between every line and the store.
enum RedactionReaders {
    private static let redactor: Redactor = {
        do throws(RedactionError) { return Redactor(rules: try RedactionRules(.standard)) } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Put together here, so that no scanner of a code host finds a secret.
    private static let secret = "ghp" + "_" + String("Zy9Xw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0FeDcBa".prefix(36))

    /// A line as it is, and with a secret in its middle.
    static func line(_ bytes: UnsafeRawBufferPointer) {
        let line = bytes.filter { $0 != 0x0A }
        _ = checked(line)
        let middle = line.count / 2
        let out = checked(line[..<middle] + Array(" \(secret) ".utf8) + line[middle...])
        precondition(!String(decoding: out, as: UTF8.self).contains(secret), "a secret survives")
    }

    /// What the line becomes: the same in one piece and in several, and the line around what was found.
    private static func checked(_ line: [UInt8]) -> [UInt8] {
        line.withUnsafeBytes { bytes in
            let raw = RawLine(bytes: bytes, offset: 0, terminated: false)
            let (out, isWithheld) = redactor.redact(raw) { (Array($0.bytes), $0.withheld != nil) }
            guard !isWithheld, let found = redactor.findings(in: raw) else { return out }
            precondition(found.isEmpty == (out == line), "\(found.count) findings")
            if let first = found.first, let last = found.last {
                // A number is replaced as a whole, with quotes.
                let (begin, end) = (first.range.lowerBound, last.range.upperBound)
                precondition(
                    out.starts(with: line[..<begin]) || isOfNumber(line[begin]), "something before a secret changed")
                precondition(
                    out.reversed().starts(with: line[end...].reversed()) || isOfNumber(line[end - 1]),
                    "something behind a secret changed")
                precondition(isJSON(out) || !isJSON(line), "JSON is none any more")
            }
            var long = redactor.beginLong(offset: 0)
            var pieces: [UInt8] = []
            long.pass(UnsafeRawBufferPointer(rebasing: bytes[..<(line.count / 3)])) { pieces += Array($0.bytes) }
            long.pass(UnsafeRawBufferPointer(rebasing: bytes[(line.count / 3)...])) { pieces += Array($0.bytes) }
            _ = long.finish { pieces += Array($0.bytes) }
            precondition(long.isFailed || pieces == out, "in pieces it becomes something else")
            return out
        }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool { "0123456789+-.eE".utf8.contains(byte) }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }
}
