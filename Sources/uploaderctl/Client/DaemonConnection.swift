import Glibc
package import LinuxSystem
package import Shared

/// Speaks with the daemon: one call at a time, waiting for each answer. Blocks.
package final class DaemonConnection {
    /// How long a socket is waited for that exists and is not served: a daemon that comes up again after a crash.
    private static let patience: Duration = .seconds(2)
    private static let step: Duration = .milliseconds(50)
    /// What the daemon takes at most to say what it is, in milliseconds as poll(2) has them.
    private static let greeting: Int32 = 10_000

    private let socket: UnixConnection
    private let path: String
    private var framing = VarlinkFraming(limit: 16 << 20)
    /// When an answer is given up, in nanoseconds of the monotonic clock; `nil`: never.
    private var deadline: Int64?
    /// Where the answers go; `nil`: they are waited for whether anybody reads them or not.
    private var console: (any Console)?
    /// Nobody reads it any more.
    private var isUnread = false
    /// What the daemon says of itself.
    package private(set) var info = ServiceInfo()

    /// Connects, and learns what answers.
    ///
    /// - Throws: `unreachable` with the cure; `refused` when the socket is somebody else's.
    package init(to path: String) throws(ClientError) {
        self.path = path
        socket = try Self.connect(to: path)
        try send(VarlinkCall("\(ControlInterface.serviceName).GetInfo"), passing: nil)
        info = try decoded(try reply(to: "GetInfo", within: Self.greeting))
        guard info.interfaces.contains(ControlInterface.name) else {
            throw ClientError(
                .unreachable, "what answers on \(path) is no uploaderd, but \(info.product)",
                hint: "give the right socket with --socket or $UPLOADERD_SOCKET")
        }
    }

    private static func connect(to path: String) throws(ClientError) -> UnixConnection {
        var waited: Duration = .zero
        while true {
            do throws(SystemError) {
                return try UnixConnection.connect(to: path)
            } catch {
                // Refused: a socket whose daemon is gone, maybe for a moment. Its file is not there: it was stopped.
                let mayPass = error.code == ECONNREFUSED || error.wouldBlock
                guard mayPass, waited < patience else { throw unreachable(path, error) }
                waited += step
                usleep(UInt32(step.nanoseconds / 1_000))
            }
        }
    }

    private static func unreachable(_ path: String, _ error: SystemError) -> ClientError {
        if error.isRefused {
            return ClientError(
                .refused, "the control socket \(path) is not yours", hint: "runuser -u USER -- uploaderctl …",
                cause: error.reason)
        }
        return ClientError(
            .unreachable, "no uploaderd answers on \(path)",
            hint:
                "systemctl --user start uploaderd, or make run; where control.socket is configured: $UPLOADERD_SOCKET, or --socket",
            cause: error.reason)
    }

    /// From now on answers are waited for that long, together; then `partlyDone` is thrown.
    package func limitAnswers(to limit: Duration) { deadline = Self.now() + limit.nanoseconds }

    /// From now on answers are waited for as long as somebody reads what the console writes; then `outputClosed` is thrown.
    package func waitWhileRead(_ console: any Console) { self.console = console }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// One question, one answer.
    package func ask<Reply: Decodable>(_ request: ControlRequest, for what: String) throws(ClientError) -> Reply {
        try send(request.call(), passing: nil)
        return try decoded(try reply(to: what))
    }

    /// One question, several answers; `take` gets each, in order.
    package func ask(
        _ request: ControlRequest, for what: String, _ take: (ReceivedReply) throws(ClientError) -> Void
    ) throws(ClientError) {
        try send(request.call(more: true), passing: nil)
        try hear(what, take)
    }

    /// The same, about a file that goes with the question.
    package func ask(
        _ request: ControlRequest, for what: String, passing file: borrowing Descriptor,
        _ take: (ReceivedReply) throws(ClientError) -> Void
    ) throws(ClientError) {
        try send(request.call(more: true), passing: file)
        try hear(what, take)
    }

    private func hear(
        _ what: String, _ take: (ReceivedReply) throws(ClientError) -> Void
    ) throws(ClientError) {
        while true {
            let reply = try reply(to: what)
            try take(reply)
            if !reply.continues { return }
        }
    }

    /// A replay whose bytes come through a pipe, as they are.
    ///
    /// - Returns: also what was left out, a sentence each.
    package func pour(
        _ request: ReplayRequest, for what: String, _ take: (UnsafeRawBufferPointer) throws(ClientError) -> Void
    ) throws(ClientError) -> (totals: ReplayTotals, unread: [String]) {
        let last: ReplayReply = try pour(.replay(request), for: what, take)
        return (ReplayTotals(lines: last.totalLines ?? 0, bytes: last.totalBytes ?? 0), last.unread ?? [])
    }

    /// A call whose bytes come through a pipe, as they are.
    ///
    /// - Returns: its last reply.
    package func pour<Reply: Decodable>(
        _ request: ControlRequest, for what: String, _ take: (UnsafeRawBufferPointer) throws(ClientError) -> Void
    ) throws(ClientError) -> Reply {
        let reading = try passPipe(request)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count: Int
            do throws(SystemError) {
                if let console { _ = try console.wait(for: reading, milliseconds: -1) }
                count = try buffer.withMutableBytes { (buffer) throws(SystemError) in try reading.read(into: buffer) }
            } catch {
                if console != nil, error.code == EPIPE { throw .outputClosed }
                throw ClientError(.failed, "could not read the pipe from the daemon", cause: error.reason)
            }
            if count == 0 { break }
            try buffer.withBytes { (bytes) throws(ClientError) in
                try take(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
        return try decoded(try reply(to: what))
    }

    /// Our writing end closes here: the daemon's is then the only one, so that its end is the pipe's end.
    private func passPipe(_ request: ControlRequest) throws(ClientError) -> Descriptor {
        let pipe = try made { () throws(SystemError) in try Descriptor.pipe() }
        try send(request.call(), passing: pipe.writing)
        return try made { () throws(SystemError) in try pipe.reading.duplicate() }
    }

    private func made<Made: ~Copyable>(_ make: () throws(SystemError) -> Made) throws(ClientError) -> Made {
        do throws(SystemError) {
            return try make()
        } catch {
            throw ClientError(.failed, "could not make a pipe to the daemon", cause: error.reason)
        }
    }

    /// - Throws: `failed` where the daemon speaks of something else, which another version does.
    package func decoded<Reply: Decodable>(_ reply: ReceivedReply) throws(ClientError) -> Reply {
        do {
            return try JSONText.decode(Reply.self, from: try JSONText.encode(reply.parameters))
        } catch {
            throw ClientError(
                .failed, "the daemon's answer is not what was expected",
                hint: "uploaderctl version shows whether both sides are of one version", cause: "\(error)")
        }
    }

    private func send(_ call: VarlinkCall, passing: borrowing Descriptor) throws(ClientError) {
        try send(call) { (bytes) throws(SystemError) in try socket.send(bytes, passing: passing) }
    }

    private func send(_ call: VarlinkCall, passing: Never?) throws(ClientError) {
        try send(call) { (bytes) throws(SystemError) in try socket.send(bytes) }
    }

    /// - Parameter begin: sends the first bytes, and a descriptor with them.
    private func send(
        _ call: VarlinkCall, _ begin: (UnsafeRawBufferPointer) throws(SystemError) -> Int
    ) throws(ClientError) {
        let frame: [UInt8]
        do {
            frame = VarlinkFraming.framed(try call.text())
        } catch {
            throw ClientError(.failed, "could not write the call as JSON", cause: "\(error)")
        }
        var sent = 0
        while sent < frame.count {
            do throws(SystemError) {
                sent += try frame.withBytes { (bytes) throws(SystemError) in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                    return sent == 0 ? try begin(rest) : try socket.send(rest)
                }
            } catch {
                if error.wouldBlock {
                    _ = try waited { () throws(SystemError) in try socket.wait(.writable, milliseconds: -1) }
                } else {
                    // A daemon that refuses us closes at once, but it has said why: the answer is read all the same.
                    return
                }
            }
        }
    }

    private func waited(_ wait: () throws(SystemError) -> Bool) throws(ClientError) -> Bool {
        do throws(SystemError) {
            return try wait()
        } catch {
            throw ClientError(.failed, "could not wait for the daemon on \(path)", cause: error.reason)
        }
    }

    /// - Parameter milliseconds: -1: no limit.
    private func reply(to what: String, within milliseconds: Int32 = -1) throws(ClientError) -> ReceivedReply {
        do throws(ControlError) {
            return try ReceivedReply(frame: try frame(within: milliseconds))
        } catch {
            if isUnread { throw .outputClosed }
            if error.code == .disconnected, let deadline, Self.now() >= deadline {
                throw ClientError(
                    .partlyDone, "\(what) has not ended in the time that it was given",
                    hint: "it goes on in the daemon; uploaderctl status says what it waits for")
            }
            throw ClientError(error, asking: what)
        }
    }

    /// What is left until the deadline, rounded up: 0 would be asked again.
    private func timeLeft(_ milliseconds: Int32) -> Int32 {
        guard let deadline else { return milliseconds }
        let left = max(0, deadline - Self.now()) / 1_000_000 + 1
        return Int32(clamping: milliseconds < 0 ? left : min(left, Int64(milliseconds)))
    }

    private func frame(within milliseconds: Int32) throws(ControlError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            do throws(VarlinkFraming.TooLong) {
                if let frame = try framing.next() { return frame }
            } catch {
                throw ControlError(.badReply, "the answer is longer than \(error.limit) bytes")
            }
            do throws(SystemError) {
                let count = try buffer.withMutableBytes { (buffer) throws(SystemError) in
                    try socket.receive(into: buffer).count
                }
                guard count > 0 else { throw SystemError("recvmsg", code: ECONNRESET) }
                buffer.withUnsafeBytes { framing.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            } catch {
                guard error.wouldBlock else { throw .disconnected }
                do throws(SystemError) {
                    let limit = timeLeft(milliseconds)
                    let isReady =
                        if let console {
                            try console.wait(for: socket.descriptor, milliseconds: limit)
                        } else {
                            try socket.wait(.readable, milliseconds: limit)
                        }
                    guard isReady else { throw SystemError("poll", code: ETIMEDOUT) }
                } catch {
                    isUnread = error.code == EPIPE
                    throw ControlError(.disconnected, "the daemon does not answer on \(path)", cause: error.reason)
                }
            }
        }
    }
}
