import Digests
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

/// What must hold when a day is over, whatever happened on it.
struct Conservation {
    let day: SimulatedDay

    private var seed: UInt64 { day.stage.world.seed }

    /// Every line once in every store, bytes equal, chains valid, nothing changed, nothing left behind, nothing stuck.
    func check() throws {
        let stage = day.stage
        for (name, end) in stage.ends.sorted(by: { $0.key < $1.key }) {
            for (source, file) in zip(day.plan.sources, day.written) {
                if day.isForgotten(source.sid) {
                    let folder = "\(Stage.prefix)\(source.sid)/"
                    #expect(
                        end.keys.filter { $0.hasPrefix(folder) } == ["\(folder)forgotten.json"], "seed \(seed): \(name)"
                    )
                } else {
                    try check(source, file, at: end, name)
                }
            }
            #expect(end.changed == [], "seed \(seed): \(name)")
            #expect(try end.strays() == [], "seed \(seed): \(name)")
        }
        // A seal that failed on a disk that did not let its file be removed either: the next start sets it aside and says so.
        let hadLeftovers = stage.log.events.contains {
            $0.kind == .persistenceFailed && $0.message.hasPrefix("a file is left in the spool")
        }
        let spool = try Tree.files(stage.scratch("\(day.state)/spool"))
        #expect(spool.filter { !(hadLeftovers && $0.hasPrefix(".refused/")) } == [], "seed \(seed)")
        #expect(stage.log.count(.manifestConflict) == 0, "seed \(seed)")
        #expect(hadLeftovers || stage.log.count(.spoolFileRefused) == 0, "seed \(seed)")
        #expect(stage.log.count(.lineWithheld) == 0, "seed \(seed)")
    }

    private func check(
        _ source: DayPlan.Source, _ file: SimulatedDay.Written, at end: FarEnd, _ name: String
    ) throws {
        let what: Comment = "seed \(seed): \(name), \(source.sid) \(source.stream)"
        let manifest = try end.manifest(source.sid)
        let segments = source.stream == "main" ? manifest.segments : manifest.streams[source.stream]?.segments ?? []
        var version = 0
        for generation in Set(segments.map { $0.generation ?? 1 }).sorted() {
            let content = try end.content(source.sid, source.stream, generation: generation)
            // A file that was rewritten twice between two looks was never seen in between.
            let match = file.versions.indices.first { $0 >= version && file.versions[$0].starts(with: content) }
            guard let match else {
                Issue.record("\(what): generation \(generation) holds what the file never held")
                return
            }
            version = match
            if let promised = file.promised[generation] { #expect(content.count >= promised, what) }
            let chain = manifest.chain?.streams[source.stream]?["\(generation)"]
            #expect(chain == RunningDigest.digest(of: content), what)
            // Not compared in the macro: what two long texts differ in takes minutes to find.
            let isWhole = match < file.versions.count - 1 || content.count == file.versions[match].count
            #expect(isWhole, "\(what): \(content.count) bytes of \(file.versions[match].count)")
        }
        #expect(version == file.versions.count - 1, what)
        let isRight = try day.stage.source(file.path) == file.versions.last
        #expect(isRight, what)
    }
}
