import Delivery
import Glibc
import LinuxSystem
import Shared
import Synchronization
import TestSupport

/// An HTTP/1.1 server on loopback that answers each request as a script says, and remembers what it was asked.
///
/// One thread accepts, one serves each connection; they end when the server is stopped.
final class ScriptedServer: Sendable {
    struct Asked: Sendable {
        var method: String
        var target: String
        var headers: HTTPHeaders
        var body: [UInt8]
        /// From 0, in the order they were accepted.
        var connection: Int
    }

    enum Answer: Sendable {
        /// Exactly these bytes, and the connection stays.
        case bytes([UInt8])
        /// These bytes, then the end of the connection.
        case last([UInt8])
        /// Nothing, for as long as the client waits.
        case nothing

        static func ok(_ body: [UInt8] = [], _ headers: String = "") -> Answer {
            .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\(headers)\r\n".utf8) + body)
        }
        static func status(_ status: Int, _ headers: String = "", _ body: String = "") -> Answer {
            .bytes(
                Array("HTTP/1.1 \(status) Said\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)".utf8))
        }
    }

    private struct State {
        var asked: [Asked] = []
        var connections: [Int32] = []
        var isStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())
    private let script: @Sendable (Asked) -> Answer

    var url: String { "http://127.0.0.1:\(port)" }
    var asked: [Asked] { state.withLock { $0.asked } }

    init(_ script: @escaping @Sendable (Asked) -> Answer) throws {
        signal(SIGPIPE, SIG_IGN)
        self.script = script
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, __CONST_SOCKADDR_ARG(__sockaddr__: $0), size) == 0 && listen(number, 64) == 0
                    && getsockname(number, __SOCKADDR_ARG(__sockaddr__: $0), &size) == 0
            }
        }
        guard bound else { throw SystemError("bind", code: errno) }
        listener = number
        port = UInt16(bigEndian: address.sin_port)
        let lane = Lane(name: "accept")
        lane.start { [self] in accept() }
        lane.stop()
    }

    func stop() {
        let open = state.withLock { state in
            state.isStopped = true
            return state.connections
        }
        for number in open + [listener] { shutdown(number, Int32(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let number = accept4(listener, __SOCKADDR_ARG(__sockaddr__: nil), nil, 0)
            guard number >= 0 else { return }
            let index = state.withLock { state -> Int? in
                state.connections.append(number)
                return state.isStopped ? nil : state.connections.count - 1
            }
            guard let index else { return }
            let lane = Lane(name: "serve")
            lane.start { [self] in serve(number, index) }
            lane.stop()
        }
    }

    private func serve(_ number: Int32, _ index: Int) {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        func more() -> Bool {
            let count = recv(number, &room, room.count, 0)
            if count > 0 { bytes += room[..<count] }
            return count > 0
        }
        while true {
            var end: Int?
            while end == nil {
                end = (0..<max(0, bytes.count - 3)).first { Array(bytes[$0..<$0 + 4]) == [13, 10, 13, 10] }
                if end == nil, !more() { return }
            }
            guard let end else { return }
            let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
            let words = lines[0].split(separator: " ").map(String.init)
            var headers = HTTPHeaders()
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { headers.add(String(parts[0]), String(parts[1].drop { $0 == " " })) }
            }
            let length = headers["Content-Length"].flatMap { Int($0) } ?? 0
            while bytes.count < end + 4 + length { if !more() { return } }
            let asked = Asked(
                method: words[0], target: words[1], headers: headers,
                body: Array(bytes[(end + 4)..<(end + 4 + length)]),
                connection: index)
            bytes.removeFirst(end + 4 + length)
            state.withLock { $0.asked.append(asked) }
            switch script(asked) {
            case .bytes(let answer): Self.send(answer, number)
            case .last(let answer):
                Self.send(answer, number)
                shutdown(number, Int32(SHUT_RDWR))
                return
            case .nothing: break
            }
        }
    }

    private static func send(_ bytes: [UInt8], _ number: Int32) {
        var done = 0
        bytes.withUnsafeBytes { buffer in
            while done < buffer.count {
                let count = Glibc.send(number, buffer.baseAddress.map { $0 + done }, buffer.count - done, 0)
                if count <= 0 { return }
                done += count
            }
        }
    }
}

/// A loop of its own with transfers on it, and a folder for long answers.
final class TransferScene: Sendable {
    let loop: EventLoop
    let transfers: Transfers
    let files: Lane
    let time: SystemTime
    /// The clock of limits.
    let waiting: JumpingTime
    let scratch: Scratch

    init() throws {
        scratch = try Scratch("answers")
        let loop = try EventLoop()
        self.loop = loop
        time = try SystemTime(loop: loop)
        waiting = JumpingTime(loop: loop)
        files = Lane(name: "files")
        transfers = Transfers(
            loop: loop, time: time, lane: files, directory: scratch("answers"),
            rates: TransferRates(time: waiting))
        let thread = Lane(name: "loop")
        thread.start { loop.run() }
        thread.stop()
    }

    /// What the clock of limits has begun ends before the loop does: what a loop has not got to is never freed.
    func settle() async { await Task(executorPreference: loop) {}.value }

    func client(_ options: TransferOptions = .patient) -> TransferClient {
        transfers.client(options)
    }

    deinit {
        loop.stop()
        files.stop()
    }
}

extension TransferOptions {
    /// On a machine that stands still for minutes, too.
    static let patient = TransferOptions(stillness: .seconds(36_000), connecting: .seconds(36_000), allowsPlain: true)

    /// - Parameter rate: in bytes a second.
    static func patient(rate: Int64? = nil, destination: String) -> TransferOptions {
        var options = patient
        options.rate = rate
        options.destination = destination
        return options
    }
}
