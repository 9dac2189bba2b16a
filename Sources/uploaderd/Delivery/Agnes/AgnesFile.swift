import Shared

/// What a file of a session is called at an agnes server, which takes `[A-Za-z0-9._-]{1,200}` and puts what has the same name in
/// the place of what was there.
///
///     stream                          file
///     main                            <sid>.jsonl
///     agents/<id>                     <sid>.agents.<id>.jsonl
///     generation 3 of main            <sid>.g3.jsonl
///
/// A file never takes the place of another one: a further generation has a name of its own, and in the parts of a name a dot is
/// `_2E`, and the `g` of what looks like a generation `_67`, both of which `StoreName` gives to nothing else.
enum AgnesFile {
    /// Of the server, with `.jsonl.gz`.
    private static let longest = 200

    /// - Returns: the name without `.gz`.
    static func name(_ stream: StreamName, of session: SessionID, generation: Int) throws(DeliveryError) -> String {
        var parts = [part(session.rawValue)]
        if stream != .main { parts += stream.rawValue.split(separator: "/").map { part(String($0)) } }
        if generation > 1 { parts.append("g\(generation)") }
        let name = parts.joined(separator: ".") + ".jsonl"
        guard name.utf8.count + 3 <= longest else {
            throw DeliveryError(
                .permanent, "the name of stream \(stream) of session \(session) is too long for an agnes server",
                hint: "another destination has it; it stays in the spool unless this one is required = false")
        }
        return name
    }

    private static func part(_ text: String) -> String {
        let plain = StoreName.escaped(text).split(separator: ".", omittingEmptySubsequences: false).joined(
            separator: "_2E")
        let isLikeGeneration = plain.hasPrefix("g") && plain.count > 1 && plain.dropFirst().allSatisfy(\.isNumber)
        return isLikeGeneration ? "_67\(plain.dropFirst())" : plain
    }
}
