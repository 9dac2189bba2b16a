import LinuxSystem
import Shared
import Synchronization

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
        let spill = try Self.writing(directory) { () throws(SystemError) in try SpillFile(in: directory) }
        let end = WrittenCount()
        let write: OutgoingFile.Taking = { (bytes: [UInt8]) async throws(DeliveryError) in
            let offset = end.add(bytes.count)
            try Self.writing(directory) { () throws(SystemError) in try spill.write(bytes, at: offset) }
        }
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n"
            + "Content-Type: \(isGzip ? "application/gzip" : "application/x-ndjson")\r\n\r\n"
        try await write(Array(head.utf8))
        let start = end.count
        size = try await file.give(isGzip, write)
        sentSize = end.count - start
        try await write(Array("\r\n--\(boundary)--\r\n".utf8))
        body = try Self.writing(directory) { () throws(SystemError) in try spill.bytes(end.count) }
    }

    private static func writing<Value: ~Copyable>(
        _ directory: String, _ body: () throws(SystemError) -> Value
    ) throws(DeliveryError) -> Value {
        do throws(SystemError) { return try body() } catch {
            throw DeliveryError(
                .transient, "could not write what is to be sent to \(directory): \(error)",
                hint: error.isNoSpace ? "free space on the disk of \(directory)" : nil)
        }
    }
}

/// How many bytes were written.
private final class WrittenCount: Sendable {
    private let sum = Mutex<Int64>(0)

    var count: Int64 { sum.withLock { $0 } }

    /// - Returns: how many there were before.
    func add(_ bytes: Int) -> Int64 {
        sum.withLock { sum in
            defer { sum += Int64(bytes) }
            return sum
        }
    }
}
