import ControlPlane
import Glibc
import LinuxSystem
import Shared
import Synchronization
import Testing

/// The Python of a virtual environment with PyPI's `varlink` in it: a client that nobody here wrote.
private let python = getenv("UPLOADERD_TEST_PYTHON").map { String(cString: $0) }

@Suite("A Varlink client that nobody here wrote", .enabled(if: python != nil, "UPLOADERD_TEST_PYTHON is not set"))
struct ForeignClientTests {
    private static let script = """
        import base64, sys, varlink
        with varlink.Client(address="unix:" + sys.argv[1]) as client:
            info = client.info if hasattr(client, "info") else None
            with client.open("org.varlink.service") as service:
                info = service.GetInfo()
                assert info["product"] == "uploaderd", info
                assert "io.uploaderd.Control" in info["interfaces"], info
            with client.open("io.uploaderd.Control", namespaced=False) as control:
                status = control.GetStatus()
                assert status["destinations"][0]["state"] == "held", status
                pages = [page for page in control.ListSessions(_more=True)]
                sids = [s["sid"] for page in pages for s in page["sessions"]]
                assert len(sids) == 300 and sids == sorted(sids), len(sids)
                one = control.DescribeSession(sid="s1")
                assert one["segments"][0]["state"] == "retired", one
                chunks = [c for c in control.Replay(sid="s1", _more=True)]
                data = b"".join(base64.b64decode(c["data_base64"]) for c in chunks if c.get("data_base64"))
                assert data == b"one\\ntwo", data
                assert chunks[-1]["total_lines"] == 2, chunks
                assert control.Verify()["summary"]["missing"] == 0
                assert control.Flush(wait=True)["queued"] == 0
                assert control.ShowConfiguration()["settings"][0]["origin"] == "default"
                try:
                    control.DescribeSession(sid="nobody")
                    raise SystemExit("no error came")
                except varlink.VarlinkError as error:
                    assert error.error() == "io.uploaderd.Control.NoSuchSession", error
                    assert error.parameters()["message"], error
                control.Reload(_oneway=True)
                assert control.GetStatus()["pid"] == 4711
        """

    @Test("introspects the daemon and calls every method")
    func calls() throws {
        let server = try TestServer()
        defer { server.stop() }
        server.handler.state.withLock { state in
            state.sessions = (0..<300).compactMap { try? Samples.session("s\(1_000 + $0)") }
            state.detail = try? Samples.detail("s1", segments: 3)
            state.pieces = Samples.pieces(["one\n", "two"])
        }
        let words = [try #require(python), "-c", Self.script, server.path]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        #expect(posix_spawn(&child, words[0], nil, nil, arguments, environ) == 0)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        #expect(status == 0)
        #expect(server.handler.state.withLock { $0.reloads } == 1)
    }
}
