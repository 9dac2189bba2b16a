import Glibc
package import LinuxSystem
import Shared

/// Where a command's words go. The second one is the tests', which keeps them.
package protocol Console: AnyObject {
    /// Standard output is a terminal: foreign text is escaped, tables fit its width.
    var isTerminal: Bool { get }
    /// Standard error is one: progress may be shown there.
    var errorIsTerminal: Bool { get }
    /// Columns of the terminal.
    var width: Int { get }

    /// To standard output.
    ///
    /// - Throws: `outputClosed` when nobody reads any more.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ClientError)

    /// Waits until `source` can be read, as long as somebody reads standard output.
    ///
    /// - Parameter milliseconds: -1: no limit.
    /// - Returns: `false` when they have passed.
    /// - Throws: EPIPE when nobody reads any more.
    func wait(for source: borrowing Descriptor, milliseconds: Int32) throws(SystemError) -> Bool

    /// To standard error, as it is. That it cannot be said is no reason to fail.
    func note(_ text: String)

    /// Asks whoever sits at the terminal, on standard error, and reads a line from standard input.
    ///
    /// - Returns: `nil`: there is nobody, for one of the two is no terminal.
    func answer(to question: String) -> String?
}

extension Console {
    package func write(_ text: String) throws(ClientError) {
        try Array(text.utf8).withBytes { (bytes) throws(ClientError) in try write(bytes) }
    }
}

/// The process's own standard streams.
package final class StandardConsole: Console {
    private let input = Descriptor.inherited(0)
    private let output = Descriptor.inherited(1)
    private let errors = Descriptor.inherited(2)
    package let isTerminal = Process.isTerminal(1)
    package let errorIsTerminal = Process.isTerminal(2)

    package init() {}

    package var width: Int {
        let columns = Process.terminalColumns(1)
        return columns > 0 ? columns : 80
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ClientError) {
        var written = 0
        while written < bytes.count {
            do throws(SystemError) {
                written += try output.write(UnsafeRawBufferPointer(rebasing: bytes[written...]))
            } catch {
                if error.code == EPIPE { throw .outputClosed }
                // Somebody else made the stream non-blocking; it is shared.
                guard error.wouldBlock, (try? output.wait(.writable, milliseconds: -1)) != nil else {
                    throw ClientError(.failed, "could not write to standard output", cause: error.reason)
                }
            }
        }
    }

    package func wait(for source: borrowing Descriptor, milliseconds: Int32) throws(SystemError) -> Bool {
        try source.wait(.readable, whileRead: output, milliseconds: milliseconds)
    }

    package func answer(to question: String) -> String? {
        guard Process.isTerminal(0), errorIsTerminal else { return nil }
        note(question)
        var line = [UInt8](repeating: 0, count: 256)
        // What cannot be read is no yes.
        let count = (try? line.withMutableBytes { (bytes) throws(SystemError) in try input.read(into: bytes) }) ?? 0
        return String(decoding: line[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
    }

    package func note(_ text: String) {
        // Standard error is where errors are told; there is no further place.
        try? Array(text.utf8).withBytes { (bytes) throws(SystemError) in try errors.writeAll(bytes) }
    }
}
