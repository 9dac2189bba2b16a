import ControlPlane
import LinuxSystem
import Testing

@Suite("A control socket")
struct ControlSocketTests {
    @Test("has mode 0600 in a directory of mode 0700")
    func modes() throws {
        let server = try TestServer()
        defer { server.stop() }
        #expect(try Files.status(server.path)?.mode ?? 0 & 0o777 == 0o600)
        #expect(try Files.status("\(server.directory)/run")?.mode ?? 0 & 0o777 == 0o700)
    }

    @Test("replaces the file of a daemon that died, and no other")
    func stale() throws {
        let directory = try TestServer.temporaryDirectory()
        defer { _ = try? Files.removeDirectory(directory) }
        let path = "\(directory)/control.sock"
        defer { try? Files.unlink(path) }
        do { _ = try UnixListener(binding: path) }
        #expect(try Files.status(path) != nil)
        let living = try ControlSocket.binding(path)
        #expect(
            performing: { _ = try ControlSocket.binding(path) },
            throws: { ($0 as? ControlPlaneError)?.code == .alreadyServed })
        _ = consume living
        try Files.unlink(path)
        try Files.writeDurably([1], to: path)
        #expect(
            performing: { _ = try ControlSocket.binding(path) },
            throws: { ($0 as? ControlPlaneError)?.code == .pathTaken })
        #expect(try Files.readAll(path) == [1])
    }

    @Test("says what is wrong with a path that cannot be")
    func impossible() throws {
        let long = "/tmp/" + String(repeating: "x", count: 200)
        #expect(
            performing: { _ = try ControlSocket.binding(long) }, throws: { ($0 as? ControlPlaneError)?.code == .socket }
        )
    }
}
