import ControlClient
import Shared
import Testing

@Suite("When agent-uploader spooled something")
struct SpoolTimeTests {
    private func time(_ numbers: [Int64]) -> String? {
        AgentUploaderSpool.time(.array(numbers.map { .integer($0) })).map { RFC3339.text($0) }
    }

    @Test("is an array with the day of the year, or a text")
    func forms() {
        #expect(time([2026, 1, 0, 0, 0, 0, 0, 0, 0]) == "2026-01-01T00:00:00Z")
        #expect(time([2024, 366, 23, 59, 59, 5, 0, 0, 0]) == "2024-12-31T23:59:59Z")
        #expect(time([2026, 60, 10, 0, 0, 0, 2, 30, 0]) == "2026-03-01T07:30:00Z")
        #expect(time([2026, 60, 10, 0, 0, 0]) == "2026-03-01T10:00:00Z")
        #expect(AgentUploaderSpool.time(.string("2026-10-27T10:00:00Z")) == RFC3339.parse("2026-10-27T10:00:00Z"))
    }

    @Test(
        "is none of these",
        arguments: [
            [], [2026, 0, 0, 0, 0, 0], [2026, 367, 0, 0, 0, 0], [2026, 1, 24, 0, 0, 0], [2026, 1, 0, 0, 0],
            [.max, 1, 0, 0, 0, 0], [2026, 1, 0, 0, 0, 0, 60, 0, 0], [2026, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ] as [[Int64]])
    func refused(_ numbers: [Int64]) {
        #expect(time(numbers) == nil)
        #expect(AgentUploaderSpool.time(.string("yesterday")) == nil && AgentUploaderSpool.time(nil) == nil)
    }
}
