import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite("Threads that sync")
struct SyncThreadsTests {
    @Test("say of each file and folder whether it is durable, in the order of the question", arguments: [0, 1, 7])
    func each(_ most: Int) throws {
        let scratch = try Scratch("sync")
        let threads = SyncThreads(names: "sync", most: most)
        for number in 0..<50 {
            try Files.makeDirectory(scratch("d\(number)"))
            if number % 5 != 0 { try Files.writeDurably([1], to: scratch("d\(number)/f")) }
        }
        let folders = threads.sync((0..<50).map { SyncTarget(directory: scratch("d\($0)")) })
        #expect(folders.allSatisfy { $0 == nil } && folders.count == 50)
        let files = threads.sync((0..<50).map { SyncTarget(file: scratch("d\($0)/f")) })
        for (number, failure) in files.enumerated() {
            #expect(failure?.code == (number % 5 == 0 ? ENOENT : nil), "\(number)")
        }
        #expect(threads.sync([]).isEmpty)
    }
}
