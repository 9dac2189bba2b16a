import Capture
import LinuxSystem
import Shared
import Testing

@Suite("A watch inbox")
struct WatchInboxTests {
    private func path(_ name: String) -> SourcePath {
        SourcePath(agent: .generic, root: "/r", relativePath: name)
    }

    private func found(_ name: String) -> FoundSource {
        FoundSource(
            path: path(name), size: 1, modified: 1, identity: FileIdentity(device: 1, inode: 1, birth: 1))
    }

    @Test("keeps one change of a path, however often it happened")
    func deduplicates() {
        let inbox = WatchInbox()
        for _ in 0..<100 {
            inbox.post(.changed(path("a")))
            inbox.post(.changed(path("b")))
        }
        #expect(inbox.take() == [.changed(path("a")), .changed(path("b"))])
        #expect(inbox.take() == [])
        inbox.post(.changed(path("a")))
        #expect(inbox.take() == [.changed(path("a"))])
    }

    @Test("gives what was found before its changes, and the end of a sweep last")
    func order() {
        let inbox = WatchInbox()
        inbox.post(.changed(path("a")))
        #expect(inbox.offer([found("a")]))
        inbox.post(.swept(root: "/r"))
        inbox.post(.ready)
        inbox.post(.gone(path("b")))
        #expect(
            inbox.take() == [
                .gone(path("b")), .found([found("a")]), .changed(path("a")), .swept(root: "/r"), .ready,
            ])
    }

    @Test("makes one move of a chain of moves")
    func moves() {
        let inbox = WatchInbox()
        inbox.post(.moved(from: path("a"), to: path("b")))
        inbox.post(.moved(from: path("b"), to: path("c")))
        #expect(inbox.take() == [.moved(from: path("a"), to: path("c")), .gone(path("b"))])
    }

    @Test("keeps the last word on each health entry")
    func health() {
        let inbox = WatchInbox()
        let entry = HealthEntry(kind: "k", subject: "s", message: "m", since: "")
        inbox.post(.raised(entry))
        inbox.post(.cleared(kind: "k", subject: "s"))
        #expect(inbox.take() == [.cleared(kind: "k", subject: "s")])
        inbox.post(.cleared(kind: "k", subject: "s"))
        inbox.post(.raised(entry))
        #expect(inbox.take() == [.raised(entry)])
    }

    @Test("is bounded: what does not fit becomes a scan, and scans wait")
    func bounded() {
        let inbox = WatchInbox(limit: 10)
        for index in 0..<100 { inbox.post(.changed(path("\(index)"))) }
        #expect(inbox.takeLost() == [])
        #expect(inbox.take().count == 10)
        #expect(inbox.takeLost() == ["/r"])
        #expect(inbox.takeLost() == [])
        for _ in 0..<WatchInbox.batchLimit { #expect(inbox.offer([found("a")])) }
        #expect(!inbox.offer([found("a")]))
        _ = inbox.take()
        #expect(inbox.offer([found("a")]))
    }
}
