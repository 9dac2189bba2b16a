import LinuxSystem
import TestSupport
import Testing

@testable import Engine

@Suite("A root that comes late")
struct LateRootTests {
    @Test("is looked for by a flush: what lies there by then is taken")
    func flush() throws {
        let stage = try Stage()
        #expect(try Files.removeDirectory(stage.scratch("home")))
        try stage.live { life in
            try await stage.pass(.seconds(5))
            try stage.append("{\"n\":1}\n", to: "a.jsonl", nil)
            await life.settle()
            #expect(try stage.end.content("a") == stage.source("a.jsonl"))
        }
    }
}
