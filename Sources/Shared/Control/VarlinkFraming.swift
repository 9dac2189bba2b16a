/// Messages on a stream of bytes: each is a JSON object and the NUL byte after it (varlink.org/Method-Call).
///
///     {"method":"org.varlink.service.GetInfo"}␀{"method":…}␀
///
/// A frame is valid when at most `limit` bytes come before its NUL. Whether it holds JSON is the reader's question.
package struct VarlinkFraming: Sendable {
    /// A request's greatest length in bytes, without its NUL.
    package static let longestCall = 1 << 20
    /// A reply's greatest length in bytes, without its NUL.
    package static let longestReply = 256 << 10

    /// More than `limit` bytes came without a NUL: what follows cannot be understood any more.
    package struct TooLong: Error, Hashable, Sendable {
        package let limit: Int
    }

    private let limit: Int
    private var bytes: [UInt8] = []
    /// The bytes before it were handed out.
    private var start = 0
    /// No NUL lies between `start` and here.
    private var searched = 0

    package init(limit: Int) { self.limit = limit }

    /// Bytes that came and were not handed out.
    package var held: Int { bytes.count - start }

    package mutating func append(_ more: UnsafeRawBufferPointer) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next whole message without its NUL; `nil` when more bytes are needed.
    package mutating func next() throws(TooLong) -> [UInt8]? {
        if let end = bytes[searched...].firstIndex(of: 0) {
            guard end - start <= limit else { throw TooLong(limit: limit) }
            let message = Array(bytes[start..<end])
            start = end + 1
            searched = start
            return message
        }
        searched = bytes.count
        guard held <= limit else { throw TooLong(limit: limit) }
        return nil
    }

    /// A message as it is sent.
    package static func framed(_ message: [UInt8]) -> [UInt8] { message + [0] }
}
