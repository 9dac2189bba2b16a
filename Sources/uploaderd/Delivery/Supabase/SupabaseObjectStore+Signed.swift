import Shared

/// Uploads that carry a token instead of the key: good for one name, once asked for, for a minute or two hours.
///
/// `POST object/upload/sign/BUCKET/KEY` gives the token; `PUT` there with `?token=` takes the bytes (Supabase Storage's
/// uploadSignedObject.ts). Whether they may replace what is there is in the token: a header of the second request says nothing.
extension SupabaseObjectStore {
    func uploadSigned(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, replacing: Bool
    ) async throws(DeliveryError) -> Uploaded {
        let place = "object/upload/sign/\(place.bucket)/\(key)"
        let asking = SupabaseConnection.Request(
            method: .post, path: place, headers: ["x-upsert": replacing ? "true" : "false"],
            purpose: "sign an upload of object \(key)")
        let answer: HTTPResponse
        switch try await connection.send(asking) {
        case .success(let signed): answer = signed
        case .failure(let refusal) where refusal.meaning == .exists: return .exists
        case .failure(let refusal): throw refusal.error
        }
        let said = try? JSONText.decode(JSONValue.self, from: try answer.start(64 << 10))
        guard let token = said?["token"]?.text else { throw notStorage(asking.purpose) }
        let request = SupabaseConnection.Request(
            method: .put, path: "\(place)?token=\(PercentEncoding.encoded(token))",
            headers: ["Content-Type": key.contentType], body: .object(body), purpose: "put object \(key)")
        let result = try await connection.sendSigned(request, hiding: SecretBytes(token.utf8))
        // Of the token, not of the key: another one is asked for with the next attempt.
        if case .failure(let refusal) = result, refusal.meaning == .wrongKey {
            throw DeliveryError(
                .transient, refusal.error.message,
                hint:
                    "are the clocks of the servers behind \(self.place.url) right? A signed upload is good for a minute"
            )
        }
        return try uploaded(key, request, result)
    }
}
