import CLinux
import Glibc
package import Shared

/// What /proc says of a process: proc_pid_stat(5).
///
///     4711 (claude (x)) S 4700 4711 …                 the name may hold anything, so its end is the last parenthesis
package struct ProcessStatus: Hashable, Sendable {
    /// At most 15 bytes of what it runs.
    package var name: String
    package var parent: Int32
    /// Clock ticks from the boot to its start.
    package var started: Int64

    /// - Returns: `nil` when there is no such process, or /proc does not show it.
    package init?(of pid: Int32) {
        do throws(SystemError) {
            self.init(text: try Files.readAll("/proc/\(pid)/stat", limit: 4096))
        } catch {
            return nil
        }
    }

    init?(text: [UInt8]) {
        guard let open = text.firstIndex(of: UInt8(ascii: "(")), let close = text.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        // From field 3 on: the parent is field 4, the start field 22.
        let fields = text[(close + 1)...].split(separator: 0x20)
        guard fields.count > 19, let parent = Int32(String(decoding: fields[1], as: UTF8.self)),
            let started = Int64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        name = String(decoding: text[(open + 1)..<close], as: UTF8.self)
        self.parent = parent
        self.started = started
    }
}

extension AgentProcess {
    /// The id of this boot; `nil` where /proc does not say.
    private static var currentBoot: String? {
        do throws(SystemError) {
            let text = try Files.readAll("/proc/sys/kernel/random/boot_id", limit: 128)
            return String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self)
        } catch {
            return nil
        }
    }

    /// Names of what stands between an agent and its hooks.
    private static let shells: Set<String> = [
        "sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "busybox", "env", "timeout",
    ]
    /// An agent that is further away is not looked for.
    private static let mostShells = 4

    /// Who ran this process: its parent, or the first above it that is no shell.
    ///
    /// - Returns: `nil` where that is the first process of all: then who ran us is gone.
    package static func calling() -> AgentProcess? {
        guard let boot = currentBoot else { return nil }
        var pid = getppid()
        for _ in 0...mostShells {
            guard pid > 1, let status = ProcessStatus(of: pid) else { return nil }
            guard shells.contains(status.name) else {
                return AgentProcess(pid: pid, started: status.started, boot: boot)
            }
            pid = status.parent
        }
        return nil
    }

    /// Whether it runs: the same process, not another one with its number.
    package var isRunning: Bool {
        boot == Self.currentBoot && ProcessStatus(of: pid)?.started == started
    }
}

/// A process that is watched: readable when it has ended. pidfd_open(2).
package struct ProcessHandle: ~Copyable, Sendable {
    /// For `EventLoop.watch`.
    package let descriptor: Descriptor

    /// - Returns: `nil` when the process has ended.
    /// - Throws: EPERM, ENOSYS where a filter or the kernel does not let it; EMFILE.
    package static func open(_ process: AgentProcess) throws(SystemError) -> ProcessHandle? {
        do throws(SystemError) {
            let descriptor = Descriptor(owning: try shim("pidfd_open") { clinux_pidfd_open(process.pid) })
            // Asked behind it: the number cannot get to another process any more without this one having ended.
            return process.isRunning ? ProcessHandle(descriptor: descriptor) : nil
        } catch {
            if error.code == ESRCH { return nil }
            throw error
        }
    }
}
