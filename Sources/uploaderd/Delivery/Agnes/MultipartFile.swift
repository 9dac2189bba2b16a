import Shared

/// A form with one file as the body of a request (RFC 7578), in an unnamed file on disk.
///
///     --<boundary>
///     Content-Disposition: form-data; name="file"; filename="<sid>.jsonl"
///     Content-Type: application/octet-stream
///
///     <the file>
///     --<boundary>--
final class MultipartFile: Sendable {
    let contentType: String
    /// What the server gets, ready to be sent.
    let body: any ObjectBytes & Sendable
    /// Of the file, uncompressed, and as it is sent.
    let size: Int64
    let sentSize: Int64

    /// - Parameters:
    ///   - name: needs no quoting.
    ///   - boundary: is in no session: it is drawn for this one.
    ///   - directory: where the body lies, without a name.
    @concurrent
    init(
        _ file: OutgoingFile, name: String, isGzip: Bool, boundary: String, in directory: String
    ) async throws(DeliveryError) {
        contentType = "multipart/form-data; boundary=\(boundary)"
        let spilled = try SpilledBody(in: directory)
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n"
            + "Content-Type: \(isGzip ? "application/gzip" : "application/x-ndjson")\r\n\r\n"
        try spilled.write(Array(head.utf8))
        let start = spilled.size
        size = try await file.give(isGzip) { (bytes) async throws(DeliveryError) in try spilled.write(bytes) }
        sentSize = spilled.size - start
        try spilled.write(Array("\r\n--\(boundary)--\r\n".utf8))
        body = try spilled.bytes()
    }
}
