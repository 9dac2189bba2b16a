import Glibc
import LinuxSystem

/// Which days are simulated: those that ever failed, from the file `seeds` beside this one, and fifty that nobody has seen.
///
/// `UPLOADER_SEED=n` simulates one day, and prints what happened on it. With `UPLOADER_SOAK` set more follow until somebody stops it, or
/// `UPLOADER_SOAK_MINUTES` are over.
enum SimulationSeeds {
    static let fresh = 50

    static let all: [UInt64] = {
        if let one = number("UPLOADER_SEED") { return [one] }
        // Short, so that a person can type it.
        return known + (0..<fresh).map { _ in UInt64.random(in: 1_000..<1_000_000_000) }
    }()

    static var isReplay: Bool { number("UPLOADER_SEED") != nil }

    /// Whether, and for how many minutes, more days follow; without a number until somebody stops it.
    static var soak: UInt64? {
        getenv("UPLOADER_SOAK").map { _ in number("UPLOADER_SOAK_MINUTES") ?? UInt64(UInt32.max) }
    }

    private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

    /// A number a line; what follows a `#` is why.
    private static var known: [UInt64] {
        do throws(SystemError) {
            let text = String(decoding: try Files.readAll("\(Files.parent(of: #filePath))/seeds"), as: UTF8.self)
            return text.split(separator: "\n").compactMap { line in
                line.split(whereSeparator: { $0 == " " || $0 == "#" }).first.flatMap { UInt64($0) }
            }
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
