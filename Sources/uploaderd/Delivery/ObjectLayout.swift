package import Shared

/// Where things are in a bucket: docs/formats.md, section 1. Pure.
///
/// Every key is made here and nowhere else, from escaped names, so that no session id can leave its folder.
package struct ObjectLayout: Sendable, Hashable {
    /// Empty, or ends in a slash.
    package let prefix: String

    package init(prefix: String) {
        self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
    }

    package var storeID: ObjectKey? { ObjectKey("\(prefix).uploaderd.json") }

    /// The folder of a session, with its closing slash.
    package func folder(of session: SessionID) -> String { "\(prefix)\(StoreName.escaped(session.rawValue))/" }

    /// The folder of one writer: the session's own for its first, `writers/<writer>/` below it for every further one.
    package func folder(of session: SessionID, writer: String, isFirst: Bool) -> String {
        isFirst ? folder(of: session) : "\(folder(of: session))writers/\(StoreName.escaped(writer))/"
    }

    package func manifest(in folder: String) -> ObjectKey? { ObjectKey("\(folder)manifest.json") }

    package func tombstone(of session: SessionID) -> ObjectKey? { ObjectKey("\(folder(of: session))forgotten.json") }

    package func segment(_ relativePath: String, in folder: String) -> ObjectKey? {
        ObjectKey("\(folder)\(relativePath)")
    }

    package func checkpoint(_ checkpoint: CheckpointRecord, in folder: String) -> ObjectKey? {
        let stream = checkpoint.stream.stream
        let below = stream == .main ? "" : "streams/\(StoreName.escapedPath(stream))/"
        return ObjectKey("\(folder)\(below)checkpoints/\(checkpoint.id).json")
    }

    /// A stream as one whole object.
    ///
    /// - Parameter generation: `nil`: of the stream's own file; else of one that it had before.
    package func history(of stream: StreamKey, generation: Int? = nil) -> ObjectKey? {
        let below = stream.stream == .main ? "" : "streams/\(StoreName.escapedPath(stream.stream))/"
        let name = generation.map { "history.g\($0).jsonl" } ?? "history.jsonl"
        return ObjectKey("\(folder(of: stream.session))\(below)\(name)")
    }
}
