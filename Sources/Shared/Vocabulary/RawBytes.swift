import Glibc

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of what its body throws.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBufferPointer { (buffer) throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }

    /// `withUnsafeMutableBytes` that keeps the type of what its body throws.
    package mutating func withMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
            try body(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The place behind the first `"\n"` at or after `start`; `nil` when there is none.
    package func firstNewline(from start: Int) -> Int? {
        guard let base = baseAddress, start < count, let hit = memchr(base + start, 0x0A, count - start) else {
            return nil
        }
        return UnsafeRawPointer(hit) - base + 1
    }
}
