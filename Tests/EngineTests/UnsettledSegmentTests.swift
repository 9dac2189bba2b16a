import ControlPlane
import Delivery
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

/// The spool has lost a segment, and at first nobody can tell whether its source has the lines yet.
@Suite("A segment that the spool has lost, and that cannot be cut again at once")
struct UnsettledSegmentTests {
    enum Fate: CaseIterable {
        case unchanged, writtenAnew, emptied, gone
    }

    @Test(
        "is seen to when its source can be read again, and no flush says before that all is safe",
        arguments: Fate.allCases)
    func later(_ fate: Fate) throws {
        let stage = try Stage()
        let anew = "{\"other\":true}\n"
        try stage.live { life in
            await life.settle()
            stage.end.weather = .down(DeliveryError(.transient, "the store is away"))
            try stage.append("{\"n\":1}\n{\"n\":2}\n", to: "a.jsonl", life)
            // Until nobody holds the file open.
            try await stage.pass(.seconds(30))
            for file in try Tree.files(stage.scratch("state/spool")) {
                try Files.unlink(stage.scratch("state/spool/\(file)"))
            }
            // In its place is something that is no file.
            let (path, aside) = (stage.scratch("home/a.jsonl"), stage.scratch("aside"))
            try Files.rename(path, to: aside, replacing: false)
            try Files.makeDirectories(path)
            stage.end.weather = .fair
            await life.parts.delivery.retry()
            try await stage.pass(.seconds(20))
            #expect(try await flushed(life).notTaken.contains { $0.contains("1 segments that the spool has lost") })
            switch fate {
            case .unchanged: break
            case .writtenAnew: try Files.writeDurably(Array(anew.utf8), to: aside)
            case .emptied: try Files.writeDurably([], to: aside)
            case .gone: try Files.unlink(aside)
            }
            #expect(try Files.removeDirectory(path))
            if fate != .gone { try Files.rename(aside, to: path, replacing: false) }
            life.watcher.rang("a.jsonl")
            try await stage.pass(.seconds(120))
            #expect(try await flushed(life).notTaken.isEmpty)
            let isSaid = life.board.snapshot().health.contains { $0.kind == "lines_lost" }
            #expect(isSaid == (fate != .unchanged))
            let manifest = try stage.end.manifest("a")
            switch fate {
            case .unchanged: #expect(try stage.end.content("a") == stage.source("a.jsonl") && manifest.gaps.isEmpty)
            case .writtenAnew:
                #expect(try stage.end.content("a", generation: 2) == Array(anew.utf8) && manifest.gaps.count == 1)
            case .emptied, .gone: #expect(manifest.segments.isEmpty)
            }
            // It goes on as if nothing had been.
            guard fate == .emptied else { return }
            try stage.append(anew, to: "a.jsonl", life)
            try await stage.pass(.seconds(20))
            #expect(try stage.end.content("a", generation: 2) == Array(anew.utf8))
        }
    }

    private func flushed(_ life: Life) async throws -> FlushReply {
        try await PrivateSessionTests.desk(life).flush(
            FlushRequest(.everything, wait: true), passed: nil, progress: PrivateSessionTests.silent())
    }
}
