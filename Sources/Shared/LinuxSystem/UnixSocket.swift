import CLinux
import Glibc

/// Who is at the other end of a Unix socket, as the kernel saw it at connect time: SO_PEERCRED, unix(7).
package struct PeerCredentials: Sendable, Hashable {
    package var process: Int32
    package var user: UInt32
    package var group: UInt32
}

/// A listening Unix stream socket. Non-blocking.
package struct UnixListener: ~Copyable, Sendable {
    /// For `EventLoop.watch`.
    package let descriptor: Descriptor

    /// Binds and listens; the file's mode is 0600 from its first moment (umask is process-wide: call before threads write files).
    ///
    /// - Throws: EADDRINUSE when the path exists; the caller finds out whether anybody lives there.
    package init(binding path: String) throws(SystemError) {
        let descriptor = try unixSocket()
        let number = descriptor.number
        // fchmod before bind sets the mode that the file is created with: unix(7), "Pathname socket ownership".
        _ = try checked("fchmod", path: path) { fchmod(number, 0o600) }
        try withAddress(path) { (address, size) throws(SystemError) in
            _ = try shim("bind", path: path) { clinux_bind(number, address, size) }
        }
        _ = try checked("listen", path: path) { listen(number, 64) }
        self.descriptor = descriptor
    }

    /// A listening socket that systemd made; its file is not ours to unlink.
    package init(inherited descriptor: consuming Descriptor) throws(SystemError) {
        try descriptor.setNonBlocking()
        self.descriptor = descriptor
    }

    /// - Returns: `nil` when nobody is waiting.
    package func accept() throws(SystemError) -> UnixConnection? {
        do throws(SystemError) {
            let number = try shim("accept4") { clinux_accept(descriptor.number) }
            return UnixConnection(descriptor: Descriptor(owning: number))
        } catch {
            if error.wouldBlock || error.code == ECONNABORTED { return nil }
            throw error
        }
    }
}

/// One connection over a Unix stream socket. Non-blocking.
package struct UnixConnection: ~Copyable, Sendable {
    package let descriptor: Descriptor

    init(descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// - Throws: ENOENT when there is no such file; ECONNREFUSED when nobody listens there any more.
    package static func connect(to path: String) throws(SystemError) -> UnixConnection {
        let descriptor = try unixSocket()
        let number = descriptor.number
        try withAddress(path) { (address, size) throws(SystemError) in
            _ = try shim("connect", path: path) { clinux_connect(number, address, size) }
        }
        return UnixConnection(descriptor: descriptor)
    }

    package func peer() throws(SystemError) -> PeerCredentials {
        var raw = clinux_peer()
        _ = try shim("getsockopt(SO_PEERCRED)") { clinux_peer_of(descriptor.number, &raw) }
        return PeerCredentials(process: raw.pid, user: raw.uid, group: raw.gid)
    }

    package struct Received: ~Copyable {
        /// 0: the other end closed.
        package var count: Int
        /// A descriptor that came along: SCM_RIGHTS, unix(7).
        package var passed: Descriptor?
        /// Several came along: they are closed again.
        package var isCrowded = false
    }

    /// - Throws: `wouldBlock` when nothing is there.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Received {
        var passed: Int32 = -1
        let count = try shim("recvmsg") {
            clinux_receive(descriptor.number, buffer.baseAddress, buffer.count, &passed)
        }
        return Received(
            count: Int(count), passed: passed >= 0 ? Descriptor(owning: passed) : nil, isCrowded: passed == -2)
    }

    /// - Returns: how many bytes were taken.
    /// - Throws: `wouldBlock` when the other end does not read; EPIPE when it is gone.
    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        Int(try shim("sendmsg") { clinux_send(descriptor.number, bytes.baseAddress, bytes.count, -1) })
    }

    package func send(_ bytes: UnsafeRawBufferPointer, passing other: borrowing Descriptor) throws(SystemError) -> Int {
        let passed = other.number
        return Int(try shim("sendmsg") { clinux_send(descriptor.number, bytes.baseAddress, bytes.count, passed) })
    }

    /// Waits, blocking the calling thread, until the socket is ready: for clients, never on the loop.
    ///
    /// - Returns: `false` after `milliseconds` (-1: no limit).
    package func wait(_ interest: Interest, milliseconds: Int32) throws(SystemError) -> Bool {
        try descriptor.wait(interest, milliseconds: milliseconds)
    }
}

extension Descriptor {
    /// Waits, blocking the calling thread, until the descriptor is ready. `poll(2)`.
    package func wait(_ interest: Interest, milliseconds: Int32) throws(SystemError) -> Bool {
        var entry = pollfd(fd: number, events: interest.events, revents: 0)
        return try checked("poll") { poll(&entry, 1, milliseconds) } > 0
    }

    /// The same, as long as somebody reads what is written to `output`.
    ///
    /// - Throws: EPIPE when `output` is a pipe or a socket whose other end is closed, or a terminal that is gone.
    package func wait(
        _ interest: Interest, whileRead output: borrowing Descriptor, milliseconds: Int32
    ) throws(SystemError) -> Bool {
        // Errors and hang-ups are told unasked: poll(2).
        var entries = [
            pollfd(fd: number, events: interest.events, revents: 0), pollfd(fd: output.number, events: 0, revents: 0),
        ]
        let count = try checked("poll") { poll(&entries, 2, milliseconds) }
        if entries[0].revents == 0, entries[1].revents != 0 { throw SystemError("poll", code: EPIPE) }
        return count > 0
    }

    package struct Pipe: ~Copyable {
        package var reading: Descriptor
        package var writing: Descriptor
    }

    /// A pipe, both ends with O_CLOEXEC.
    package static func pipe() throws(SystemError) -> Pipe {
        var ends: (Int32, Int32) = (-1, -1)
        _ = try withUnsafeMutableBytes(of: &ends) { (buffer) throws(SystemError) in
            try checked("pipe2") { pipe2(buffer.assumingMemoryBound(to: Int32.self).baseAddress, O_CLOEXEC) }
        }
        return Pipe(reading: Descriptor(owning: ends.0), writing: Descriptor(owning: ends.1))
    }

    /// Whether it was opened so that it can be written to: fcntl(2), F_GETFL.
    package func isWritable() throws(SystemError) -> Bool {
        try checked("fcntl") { fcntl(number, F_GETFL) } & O_ACCMODE != O_RDONLY
    }

    /// Makes reads and writes return EAGAIN instead of waiting.
    package func setNonBlocking() throws(SystemError) {
        _ = try checked("fcntl") { fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
    }
}

extension Interest {
    /// As poll(2) takes them.
    fileprivate var events: Int16 {
        (contains(.readable) ? Int16(POLLIN) : 0) | (contains(.writable) ? Int16(POLLOUT) : 0)
    }
}

private func unixSocket() throws(SystemError) -> Descriptor {
    Descriptor(
        owning: try checked("socket") {
            socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        })
}

private func withAddress<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    // A longer path cannot be expressed: unix(7), "Pathname sockets".
    guard bytes.count < room, !bytes.contains(0) else { throw SystemError("bind", path: path, code: ENAMETOOLONG) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return try withUnsafeBytes(of: &address) { (raw) throws(SystemError) in
        guard let base = raw.baseAddress else { throw SystemError("bind", path: path, code: EINVAL) }
        return try body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
    }
}
