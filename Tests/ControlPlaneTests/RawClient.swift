import ControlPlane
import Glibc
import LinuxSystem
import Shared
import Testing

/// Speaks raw bytes.
final class RawClient {
    let socket: UnixConnection
    private var framing = VarlinkFraming(limit: 16 << 20)
    private(set) var isClosed = false

    /// Patient while more connect than the server has accepted.
    init(_ path: String) throws { socket = try Self.connect(path) }

    private static func connect(_ path: String) throws -> UnixConnection {
        for _ in 0..<10_000 {
            do throws(SystemError) {
                return try UnixConnection.connect(to: path)
            } catch {
                guard error.wouldBlock else { throw error }
                sched_yield()
            }
        }
        throw SystemError("connect", path: path, code: EAGAIN)
    }

    func send(_ text: String, nul: Bool = true) throws { try send(Array(text.utf8) + (nul ? [0] : [])) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            do throws(SystemError) {
                sent += try bytes.withBytes { (buffer) throws(SystemError) in
                    try socket.send(UnsafeRawBufferPointer(rebasing: buffer[sent...]))
                }
            } catch {
                guard error.wouldBlock, try socket.wait(.writable, milliseconds: patience) else { throw error }
            }
        }
    }

    /// The next reply; `nil` when the server closed.
    func reply() throws -> JSONValue? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            if let frame = try framing.next() { return try JSONReader.value(of: frame) }
            if isClosed { return nil }
            do throws(SystemError) {
                let count = try buffer.withMutableBytes { (bytes) throws(SystemError) in
                    try socket.receive(into: bytes).count
                }
                if count == 0 { isClosed = true }
                buffer.withUnsafeBytes { framing.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            } catch {
                if error.code == ECONNRESET {
                    isClosed = true
                } else {
                    guard error.wouldBlock, try socket.wait(.readable, milliseconds: patience) else { throw error }
                }
            }
        }
    }

    func call(_ method: String, _ parameters: String = "{}", _ rest: String = "") throws -> JSONValue? {
        try send(#"{"method":"\#(method)","parameters":\#(parameters)\#(rest)}"#)
        return try reply()
    }
}
