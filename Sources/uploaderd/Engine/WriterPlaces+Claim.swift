import Delivery
import Shared
import Store

/// What our first manifest of a session says.
extension WriterPlaces {
    /// A manifest by which we say that we write here, before anything is put.
    func emptyManifest(of session: SessionID, as writer: String) async throws(DeliveryError) -> [UInt8] {
        do {
            let preface = try await store.preface(of: session)
            let now = RFC3339.text(objects.world.time.wall)
            var manifest = Manifest(
                sid: session.rawValue, createdAt: preface.map { RFC3339.text($0.createdAt) } ?? now, updatedAt: now)
            manifest.writer = writer
            manifest.session = preface?.facts
            manifest.continues = preface?.continues
            return try JSONText.encode(manifest, pretty: true)
        } catch {
            throw DeliveryError(.transient, "could not make a manifest of session \(session): \(error)")
        }
    }

    static func continuation(of manifest: Manifest, writer: String) -> JSONValue {
        let last = manifest.segments.last
        return .object([
            "writer": .string(writer), "stream": .string(StreamName.main.rawValue),
            "generation": .integer(Int64(last?.generation ?? 1)),
            "line": .integer(Int64((last?.firstLine ?? 1) - 1 + (last?.lines ?? 0))),
        ])
    }
}
