import Glibc
import Shared

/// Bytes that nobody is to see: shown by nothing, and wiped when they are let go.
package final class SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
    // Safe, proof: written in `init` only, before anybody else has it, and wiped in `deinit`, when nobody has it any more; in between it is
    // read. A class, so that there is one copy.
    fileprivate nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

    package init(_ source: some Collection<UInt8>) {
        bytes = .allocate(byteCount: source.count, alignment: 1)
        bytes.copyBytes(from: source)
    }

    /// - Parameter body: writes them.
    init<Failure: Error>(count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        bytes = .allocate(byteCount: count, alignment: 1)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        try body(bytes)
    }

    deinit {
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        bytes.deallocate()
    }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(bytes))
    }

    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { room in
            if let start = room.baseAddress { explicit_bzero(start, room.count) }
        }
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// Words of a far end, for one line of a log. Some servers say what they were given.
    func line(of answer: String) -> String {
        guard isEmpty || !isPart(of: answer) else { return "(an answer with the key in it)" }
        let scalars = answer.unicodeScalars.prefix(300).map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    private func isPart(of text: String) -> Bool {
        var text = text
        return text.withUTF8 { there in
            guard let start = there.baseAddress, let secret = bytes.baseAddress else { return false }
            return memmem(start, there.count, secret, bytes.count) != nil
        }
    }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SecretBytes: RefusableKeys {
    func isSame(as other: SecretBytes) -> Bool { bytes.elementsEqual(other.bytes) }
    func isNearEnd(_ now: WallTime) -> Bool { false }
}
