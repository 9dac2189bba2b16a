import Glibc
import LinuxSystem
import Shared
import Synchronization
import TestSupport

/// The disk below one life's state directory: it fails as the script says, and knows what would be left of it without power.
///
/// Files are real, in memory. What a power cut takes from the agents' own files is not simulated: they are as they are.
final class DayDisk: Sendable {
    enum Weather: Sendable, Equatable {
        case fair
        /// Nothing more fits.
        case full
        /// So many calls of a hundred fail with EIO or ENOSPC, are interrupted, or are done by half.
        case failing(percent: Int)
    }

    private struct State {
        var weather = Weather.fair
        var image: DiskImage
        var faults = 0
    }

    private let state: Mutex<State>
    private let random: SeededRandom
    private let disk = Mutex<WatchedDisk?>(nil)

    init(_ root: String, _ image: DiskImage, _ random: SeededRandom) {
        state = Mutex(State(image: image))
        self.random = random
        let watched = WatchedDisk(
            root, rule: { [weak self] in self?.verdict($0) ?? .done },
            seen: { [weak self] call in self?.state.withLock { $0.image.note(call) } })
        disk.withLock { $0 = watched }
    }

    var weather: Weather {
        get { state.withLock { $0.weather } }
        set { state.withLock { $0.weather = newValue } }
    }
    var image: DiskImage { state.withLock { $0.image } }
    var faults: Int { state.withLock { $0.faults } }

    /// The life is over: what is left of it in this process is neither hindered nor seen.
    func end() { disk.withLock { $0 }?.end() }

    private func verdict(_ call: DiskCall) -> DiskVerdict {
        switch weather {
        case .fair: return .done
        case .full:
            switch call.kind {
            case .write, .makeDirectory: return fails(ENOSPC, call)
            case .open: return call.makes ? fails(ENOSPC, call) : .done
            case .read, .sync, .truncate, .rename, .unlink, .removeDirectory: return .done
            }
        case .failing(let percent):
            guard random.percent(percent) else { return .done }
            switch (random.below(4), call.kind) {
            case (0, .read), (0, .write): return .short(max(1, call.count / 2))
            case (1, .read), (1, .write): return fails(EINTR, call)
            case (2, .write), (2, .makeDirectory), (2, .truncate): return fails(ENOSPC, call)
            default: return fails(EIO, call)
            }
        }
    }

    private func fails(_ code: Int32, _ call: DiskCall) -> DiskVerdict {
        state.withLock { state in
            state.faults += 1
            if call.kind == .sync { state.image.noteFailedSync(of: call.inode) }
        }
        return .fails(code)
    }
}
