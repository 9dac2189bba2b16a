import Engine
import LinuxSystem
import Shared

/// The bells of hooks, as the kernel rings them: inotify(7) for the queue, a pidfd for each agent's process.
///
/// Sendable, proof: everything is touched on the loop only, where the loop calls its handlers, too.
final class LoopBells: CaptureBells, @unchecked Sendable {
    private let loop: EventLoop
    private var folder: Folder?
    private var processes: [AgentProcess: Watched] = [:]

    init(loop: EventLoop) { self.loop = loop }

    /// The queue's folder.
    private final class Folder {
        let inotify: Inotify
        var token: WatchToken?

        init(_ inotify: consuming Inotify) { self.inotify = inotify }
    }

    private final class Watched {
        let handle: ProcessHandle
        var token: WatchToken?

        init(_ handle: consuming ProcessHandle) { self.handle = handle }
    }

    func watch(folder path: String, ring: @escaping @Sendable (_ isOver: Bool) -> Void) -> Bool {
        close()
        do throws(SystemError) {
            let watched = Folder(try Inotify())
            let directory = try Descriptor.open(path, [.pathOnly, .directory, .noFollow])
            _ = try watched.inotify.add(directory, [.closedAfterWriting, .movedTo, .onlyDirectory])
            watched.token = try loop.watch(watched.inotify.descriptor, .readable) { [weak self] _ in
                self?.heard(ring)
            }
            folder = watched
            return true
        } catch {
            return false
        }
    }

    private func heard(_ ring: @Sendable (_ isOver: Bool) -> Void) {
        guard let folder else { return }
        var isRung = false
        var isOver = false
        do throws(SystemError) {
            _ = try folder.inotify.drain { event in
                if !event.mask.isDisjoint(with: [.ignored, .unmounted]) { isOver = true }
                // The lock is closed by whoever looks, ourselves, too: that would ring for ever.
                if event.mask.contains(.overflow) || event.name.map(HookQueue.isFilled) ?? false { isRung = true }
            }
        } catch {
            isOver = true
        }
        if isOver { close() }
        if isRung || isOver { ring(isOver) }
    }

    private func close() {
        if let token = folder?.token { loop.unwatch(token) }
        folder = nil
    }

    func watch(_ process: AgentProcess, ring: @escaping @Sendable () -> Void) -> Bool {
        do throws(SystemError) {
            guard let handle = try ProcessHandle.open(process) else {
                ring()
                return true
            }
            let watched = Watched(handle)
            watched.token = try loop.watch(watched.handle.descriptor, .readable) { [weak self] _ in
                guard let self, let watched = processes.removeValue(forKey: process) else { return }
                if let token = watched.token { loop.unwatch(token) }
                ring()
            }
            processes[process] = watched
            return true
        } catch {
            return false
        }
    }

    func silence() {
        close()
        for watched in processes.values {
            if let token = watched.token { loop.unwatch(token) }
        }
        processes = [:]
    }
}
