import Delivery
import Digests
import Foundation
import LinuxSystem
import Shared

/// Measures the encryption of one file, in seconds of this process alone, and prints one JSON object:
///
///     encryption-bench FILE
///
/// `delivered` is what an object with a final name costs: read and encrypted for the digest, and once more to be sent.
@main struct EncryptionBench {
    static func main() throws {
        let text = MemoryObject([UInt8](try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))))
        let identity = AgeIdentity([UInt8](repeating: 7, count: 32))
        func encrypted() throws -> any ObjectBytes & Sendable {
            try AgeFile.bytes(of: text, to: [identity.recipient], random: SystemRandom())
        }
        var seconds: [String: [Double]] = [:]
        func note(_ name: String, _ body: () throws -> Void) rethrows {
            let start = ContinuousClock.now
            try body()
            seconds[name, default: []].append((ContinuousClock.now - start) / .seconds(1))
        }
        var file: [UInt8] = []
        for _ in 0..<5 {
            try note("encrypt") { file = try Self.whole(try encrypted()) }
            try note("delivered") {
                let object = try encrypted()
                _ = RunningDigest.digest(of: try Self.whole(object))
                file = try Self.whole(object)
            }
            let sealed = MemoryObject(file)
            try note("decrypt") { _ = try Self.whole(try AgeFile.text(of: sealed, [identity])) }
        }
        let rates = seconds.mapValues { Double(text.size) / 1_000_000 / $0.sorted()[$0.count / 2] }
        print(
            String(decoding: try JSONSerialization.data(withJSONObject: rates, options: [.sortedKeys]), as: UTF8.self))
    }

    private static func whole(_ object: any ObjectBytes) throws -> [UInt8] {
        var all = [UInt8](repeating: 0, count: Int(object.size))
        var count = 0
        while count < all.count {
            count += try all.withUnsafeMutableBytes { room in
                let end = min(room.count, count + 256 << 10)
                return try object.read(
                    at: Int64(count), into: UnsafeMutableRawBufferPointer(rebasing: room[count..<end]))
            }
        }
        return all
    }
}
