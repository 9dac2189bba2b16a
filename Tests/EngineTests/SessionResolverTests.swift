import Delivery
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// What stores tell of an earlier life, after the catalog was lost.
@Suite("A session resolver")
struct SessionResolverTests {
    private static func deleteCatalog(_ stage: Stage) throws {
        for suffix in ["", "-wal", "-shm"] where try Files.status(stage.scratch("state/catalog.db\(suffix)")) != nil {
            try Files.unlink(stage.scratch("state/catalog.db\(suffix)"))
        }
    }

    private static func subjects(_ kind: String, _ life: Life) -> [String] {
        life.board.snapshot().health.filter { $0.kind == kind }.map(\.subject)
    }

    @Test("reads a store again that could not be read, and holds the catalog to be lost until it was")
    func unread() throws {
        let stage = try Stage()
        try stage.live { life in
            for session in ["a", "b"] { try stage.append("{\"n\":1}\n", to: "\(session).jsonl", life) }
            await life.settle()
        }
        let b = try #require(SessionID("b"))
        try Self.deleteCatalog(stage)
        // What is kept of it here is lost as well: only the store knows it.
        for ending in ["json", "stores"] { try Files.unlink(stage.scratch("state/manifests/b.\(ending)")) }
        stage.end.weather.failing = 100
        stage.end.weather.failingOnly = "read \(Stage.prefix)b/manifest.json"
        // The life that could not read it ends; the next one does not know it better.
        try stage.live { life in
            try await stage.pass(.seconds(100))
            #expect(Self.subjects("store_unread", life) == ["store"])
            #expect(try await life.store.describe(b) == nil)
        }
        try stage.live { life in
            try await stage.pass(.seconds(100))
            #expect(Self.subjects("store_unread", life) == ["store"])
            stage.end.weather = .fair
            try await stage.pass(.seconds(31))
            #expect(Self.subjects("store_unread", life).isEmpty)
            #expect(try await life.store.describe(b) != nil)
        }
        try stage.live { life in #expect(Self.subjects("store_unread", life).isEmpty) }
        #expect(stage.end.keys.filter { $0.contains("/segments/") }.count == 2)
    }

    /// What is where a source was, when all that was read of it is lost.
    enum Rest: CaseIterable {
        case packed, rootAway, nothing
    }

    @Test(
        "gives lines up only where their source is gone: not packed, nor away with its root", arguments: Rest.allCases)
    func lost(_ rest: Rest) throws {
        let stage = try Stage(agent: .codex)
        let name = "sessions/2026/11/21/rollout-2026-11-21T10-00-00-0199a000-0000-7000-8000-000000000001.jsonl"
        try Files.makeDirectories(Files.parent(of: stage.scratch("home/\(name)")))
        stage.end.weather = .down(DeliveryError(.transient, "the store is away"))
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: name, life)
            await life.settle()
            try await stage.pass(.seconds(10))
        }
        let spooled = try #require(try Tree.files(stage.scratch("state/spool")).first)
        try Files.unlink(stage.scratch("state/spool/\(spooled)"))
        stage.end.weather = .fair
        switch rest {
        case .packed:
            try Files.rename(stage.scratch("home/\(name)"), to: stage.scratch("home/\(name).zst"), replacing: false)
        case .rootAway: try Files.rename(stage.scratch("home"), to: stage.scratch("elsewhere"), replacing: false)
        case .nothing: try Files.unlink(stage.scratch("home/\(name)"))
        }
        try stage.live { life in
            try await stage.pass(.seconds(10))
            #expect(Self.subjects("segments_missing", life) == ["spool"])
            #expect(Self.subjects("lines_lost", life).isEmpty == (rest != .nothing))
        }
    }

    @Test("is waited for by whoever asks whether all is delivered, as long as it reads stores")
    func settling() throws {
        let stage = try Stage()
        try stage.live { life in
            let asking = life.parts.intake.resolver.asking
            await asking.over()
            asking.begin()
            let settling = Settling(life.parts)
            await settling.wait(.seconds(60))
            #expect(!settling.isDone)
            asking.end()
            await settling.wait(.seconds(60))
            #expect(settling.isDone && settling.held.isEmpty)
        }
    }
}
