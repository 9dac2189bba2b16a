/// A number for each byte, or tables of such numbers one behind the other: asked at nearly every byte, without a bounds check.
// Sendable, proof: written in `init` only, and never given back.
struct ByteTable: @unchecked Sendable {
    private let numbers: UnsafePointer<UInt8>

    /// - Parameters:
    ///   - count: of tables.
    ///   - fill: gets them, all zero.
    init(_ count: Int = 1, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        let numbers = UnsafeMutablePointer<UInt8>.allocate(capacity: count * 256)
        numbers.initialize(repeating: 0, count: count * 256)
        fill(numbers)
        self.numbers = UnsafePointer(numbers)
    }

    /// - Parameter table: one that there is.
    @inline(__always)
    subscript(_ byte: UInt8, table: Int = 0) -> UInt8 { numbers[table &* 256 &+ Int(byte)] }
}
