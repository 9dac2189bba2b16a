import ControlPlane
import Glibc
import LinuxSystem
import Shared
import Testing

/// A server on a loop of its own thread, on a socket in a directory of its own.
final class TestServer {
    let loop: EventLoop
    let lane: Lane
    let time: FakeTime
    let log = RecordingLog()
    let handler: ScriptedHandler
    let directory: String
    let path: String
    let server: ControlServer

    init(limits: ControlLimits = ControlLimits(), owner: UInt32 = Process.user) throws {
        // What the daemon's signal handling does: a reader that goes away is EPIPE.
        signal(SIGPIPE, SIG_IGN)
        directory = try Self.temporaryDirectory()
        path = "\(directory)/run/control.sock"
        let loop = try EventLoop()
        self.loop = loop
        time = try FakeTime(loop: loop)
        handler = try ScriptedHandler(time: time)
        server = ControlServer(
            on: try ControlSocket.binding(path), loop: loop, time: time, log: log, owner: owner, limits: limits,
            handler: handler)
        lane = Lane(name: "test-loop")
        lane.start { loop.run() }
        try sync { [server] in
            do throws(ControlPlaneError) { try await server.start() } catch { fatalError("\(error)") }
        }
    }

    /// Runs `body` on the loop and blocks until it is done.
    func sync(_ body: @escaping @Sendable () async -> Void) throws {
        let pipe = try Descriptor.pipe()
        let writing = Once(try pipe.writing.duplicate())
        loop.start {
            await body()
            _ = try? [UInt8(1)].withBytes { (bytes) throws(SystemError) in try writing.descriptor.write(bytes) }
        }
        guard try pipe.reading.wait(.readable, milliseconds: patience) else { throw SystemError("loop", code: 62) }
    }

    func stop() {
        try? sync { [server] in
            await server.cancel()
            await server.drain()
        }
        loop.stop()
        lane.stop()
        _ = try? Files.removeDirectory("\(directory)/run")
        _ = try? Files.removeDirectory(directory)
    }

    static func temporaryDirectory() throws -> String {
        var template = Array("/tmp/uploaderd-control-XXXXXX".utf8CString)
        return String(cString: try #require(mkdtemp(&template)))
    }
}

private final class Once: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// Runs `body` beside a server that ends with it.
func serving(
    limits: ControlLimits = ControlLimits(), owner: UInt32 = Process.user, _ body: (TestServer) throws -> Void
) throws {
    let server = try TestServer(limits: limits, owner: owner)
    defer { server.stop() }
    try body(server)
}
