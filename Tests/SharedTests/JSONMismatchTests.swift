import Shared
import Testing

@Suite("A JSON text that is not what it should be")
struct JSONMismatchTests {
    private struct Value: Decodable {
        var whole: Int?
        var real: Double?
        var truth: Bool?
        var texts: [String]?
        var inner: [Inner]?
        var counts: [String: Int]?

        struct Inner: Decodable {
            var session: SessionID
            var inner: [[Int]]?
        }
    }

    @Test(
        "is told by its place in it and by what was expected there",
        arguments: [
            (#"{"whole":"x"}"#, "whole: a whole number was expected"),
            (#"{"real":[]}"#, "real: a number was expected"),
            (#"{"truth":1}"#, "truth: true or false was expected"),
            (#"{"texts":["a",2]}"#, "texts[1]: a text was expected"),
            (#"{"texts":["a",null]}"#, "texts[1]: a text, and not null, was expected"),
            (#"{"texts":{}}"#, "texts: a list was expected"),
            (
                #"{"inner":[{"session":"a"},{"session":"a","inner":[[1],[2,"3"]]}]}"#,
                "inner[1].inner[1][1]: a whole number was expected"
            ),
            (#"{"inner":[{}]}"#, "inner[0].session is missing"),
            (#"{"inner":[{"session":"a b"}]}"#, "inner[0].session: a session id was expected"),
            (#"{"counts":{"Index 1":"x"}}"#, "counts.Index 1: a whole number was expected"),
            ("[]", "the whole: an object was expected"), ("", "it is no JSON"), ("{", "it is no JSON"),
        ])
    func words(_ text: String, _ said: String) {
        let error = #expect(throws: JSONMismatch.self) { _ = try JSONText.decode(Value.self, from: Array(text.utf8)) }
        #expect(error?.description == said)
    }

    @Test("a manifest's number that cannot be is told with the numbers that can")
    func bounds() {
        let text = #"{"sid":"a","created_at":"","updated_at":"","epoch":-1}"#
        let error = #expect(throws: JSONMismatch.self) {
            _ = try JSONText.decode(Manifest.self, from: Array(text.utf8))
        }
        #expect(error?.description == "epoch: a number from 0 to 9007199254740992 was expected")
    }

    @Test("a manifest says what of it this version does not know")
    func needs() throws {
        for (text, unknown) in [
            (#"{"sid":"a"}"#, nil), (#"{"layout":1,"requires":[]}"#, nil), (#"{"layout":2}"#, "layout 2"),
            (#"{"layout":3,"requires":["b","a"]}"#, "layout 3, the feature a, the feature b"),
        ] as [(String, String?)] {
            #expect(try JSONText.decode(ManifestNeeds.self, from: Array(text.utf8)).unknown == unknown)
        }
    }
}
