import LinuxSystem
import Shared

/// One number for all that a listing tells: names, sizes, times. For directories that have to be polled.
enum DirectoryDigest {
    /// - Returns: `nil` when the directory cannot be listed.
    static func of(_ path: String, below root: RootDirectory) -> UInt64? {
        do throws(SystemError) {
            let directory =
                path.isEmpty
                ? try root.descriptor.duplicate()
                : try Descriptor.open(beneath: root.descriptor, path, [.pathOnly, .directory])
            var sum: UInt64 = 1
            for entry in try directory.entries() {
                // Summed up, so that the order of the listing does not matter.
                sum &+= hash(entry, in: directory)
            }
            return sum
        } catch {
            return nil
        }
    }

    private static func hash(_ entry: DirectoryEntry, in directory: borrowing Descriptor) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }
        for byte in entry.name.utf8 { add(UInt64(byte)) }
        do throws(SystemError) {
            let status = try Descriptor.open(beneath: directory, entry.name, [.pathOnly]).status()
            for value in [status.size, status.modified, status.changed, Int64(bitPattern: status.identity.inode)] {
                for shift in stride(from: 0, to: 64, by: 8) { add(UInt64(bitPattern: value) >> UInt64(shift) & 0xFF) }
            }
        } catch {
            // What cannot be looked at counts by its name.
        }
        return hash ^ hash >> 29
    }
}
