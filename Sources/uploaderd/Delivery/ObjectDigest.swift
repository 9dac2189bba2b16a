import Digests
import Shared

/// The digest of an object that was read back.
enum ObjectDigest {
    /// - Parameter lane: where it is read and digested.
    static func of(
        _ body: any ObjectBytes & Sendable, _ key: ObjectKey, on lane: any RoomExecutor
    ) async throws(DeliveryError) -> Digest256 {
        try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in try await digested(body, key) }
    }

    @concurrent
    private static func digested(
        _ body: any ObjectBytes & Sendable, _ key: ObjectKey
    ) async throws(DeliveryError) -> Digest256 {
        var digest = RunningDigest()
        var room = [UInt8](repeating: 0, count: 128 << 10)
        var offset: Int64 = 0
        do {
            while offset < body.size {
                let count = try room.withUnsafeMutableBytes { room in
                    let count = try body.read(at: offset, into: room)
                    digest.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
                    return count
                }
                guard count > 0 else { throw DeliveryError(.transient, "object \(key) ends before its size") }
                offset += Int64(count)
            }
        } catch let error as DeliveryError {
            throw error
        } catch let error as DamagedBytes {
            throw DeliveryError(.damaged, "object \(key) is damaged: \(error)")
        } catch {
            throw DeliveryError(.transient, "could not read object \(key): \(error)")
        }
        return digest.digest()
    }
}
