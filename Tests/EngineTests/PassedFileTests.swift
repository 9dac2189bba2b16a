import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A file that is flushed by its path")
struct PassedFileTests {
    @Test("is read and compressed on a work lane, never on the loop of whoever calls")
    func lane() throws {
        let stage = try Stage()
        let file = stage.scratch("elsewhere.jsonl")
        try Files.writeDurably(Array("{\"n\":1}\n".utf8), to: file)
        try stage.live { life in
            let lanes = ["work.0", "work.1"].map { stage.world.executor($0) }
            for lane in lanes { lane.stall() }
            let end = Doorbell()
            stage.world.executor("loop").start {
                await #expect(throws: Never.self) {
                    let taken = try await life.parts.takeFile(file, passed: try Descriptor.open(file, [.readOnly]))
                    #expect(taken.sources.isEmpty && taken.sentences.isEmpty)
                }
                end.ring()
            }
            try await stage.pass(.seconds(10))
            #expect(try await life.segments("elsewhere").isEmpty)
            for lane in lanes { lane.goOn() }
            let limit = stage.world.time.now + .seconds(60)
            #expect(await end.wait(until: limit, on: stage.world.time) == .rung)
            #expect(try await life.segments("elsewhere").count == 1)
        }
    }
}
