import Shared
import Testing

@Suite("A pointer")
struct PointerHandleTests {
    private static func read(_ text: String) throws -> PointerHandle? {
        PointerHandle(try JSONText.decode(JSONValue.self, from: Array(text.utf8)))
    }

    @Test("is what codetether writes, and is written as it was read")
    func forms() throws {
        let whole = try #require(try Self.read(#"{"bucket":"b","key":"s/history.jsonl","byte_range":null}"#))
        #expect(whole == PointerHandle(bucket: "b", key: "s/history.jsonl"))
        #expect(try Self.read(#"{"bucket":"b","key":"s/history.jsonl"}"#) == whole)
        let part = try #require(try Self.read(#"{"bucket":"b","key":"k","byte_range":[3,9]}"#))
        #expect(part.byteRange?.bytes == 3..<9)
        for pointer in [whole, part] { #expect(PointerHandle(pointer.value) == pointer) }
        for nothing in ["[3,3]", "[9,3]", "[0,0]"] {
            let pointer = try #require(try Self.read(#"{"bucket":"b","key":"k","byte_range":\#(nothing)}"#))
            #expect(pointer.byteRange != nil && pointer.byteRange?.bytes == nil)
        }
    }

    @Test(
        "is nothing else",
        arguments: [
            "{}", "[]", "7", #"{"bucket":"b"}"#, #"{"key":"k"}"#, #"{"bucket":"","key":"k"}"#,
            #"{"bucket":"b","key":""}"#, #"{"bucket":"b","key":7}"#, #"{"bucket":"b","key":"k","byte_range":[1]}"#,
            #"{"bucket":"b","key":"k","byte_range":[-1,2]}"#, #"{"bucket":"b","key":"k","byte_range":[1,2,3]}"#,
            #"{"bucket":"b","key":"k","byte_range":["1","2"]}"#, #"{"bucket":"b","key":"k","byte_range":"all"}"#,
            #"{"bucket":"b","key":"k","range":[1,2]}"#,
        ])
    func refused(_ text: String) throws { #expect(try Self.read(text) == nil) }
}
