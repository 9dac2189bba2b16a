import CLinux
import Glibc

/// The signals that a daemon is spoken to with, as a descriptor on the loop: signalfd(2).
package struct Signals: ~Copyable, Sendable {
    package enum Signal: Sendable, Hashable, CaseIterable {
        case hangup, interrupt, terminate

        var number: Int32 {
            switch self {
            case .hangup: SIGHUP
            case .interrupt: SIGINT
            case .terminate: SIGTERM
            }
        }
    }

    private let descriptor: Descriptor
    private let token: WatchToken

    /// Blocks the signals in the calling thread, which must be the first and only one so far, and ignores SIGPIPE and SIGXFSZ.
    ///
    /// - Parameter handler: on the loop, once per signal.
    package init(on loop: EventLoop, _ handler: @escaping @Sendable (Signal) -> Void) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in Signal.allCases { sigaddset(&set, signal.number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // A lease that we ask for is broken with it, whose default ends the process: fcntl(2), F_SETLEASE.
        signal(SIGIO, SIG_IGN)
        let descriptor = Descriptor(
            owning: try checked("signalfd") { signalfd(-1, &set, Int32(SFD_NONBLOCK) | Int32(SFD_CLOEXEC)) })
        let number = descriptor.number
        token = try loop.watch(descriptor, .readable) { _ in
            var info = signalfd_siginfo()
            while Glibc.read(number, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
                for signal in Signal.allCases where signal.number == Int32(info.ssi_signo) { handler(signal) }
            }
        }
        self.descriptor = descriptor
    }
}

/// Facts about this process and its user.
package enum Process {
    package static var id: Int32 { getpid() }
    package static var user: UInt32 { geteuid() }

    /// The file that this process runs, without links; `nil` where /proc does not tell.
    package static var programPath: String? {
        guard let text = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    /// Keeps memory out of core dumps and from other processes of the user: prctl(2), PR_SET_DUMPABLE.
    package static func forbidDumps() { _ = clinux_set_dumpable(0) }

    /// Takes group and other rights from every file that is made from now on.
    package static func restrictFileModes() { _ = umask(0o077) }

    /// Puts something in the place of a standard stream that came closed, before anything else is opened: the next socket or
    /// file would get its number, and what is written for people would go there.
    ///
    /// It cannot be written to, so that whoever writes is told, as with the closed one.
    package static func fillStandardStreams() {
        while true {
            let number = Glibc.open("/dev/null", O_RDONLY)
            if number > 2 {
                _ = Glibc.close(number)
                return
            }
            // Without /dev/null there is nothing to put there; then it is as it was before.
            if number < 0, errno != EINTR { return }
        }
    }

    /// Ends the process with exit code 0 when it has not ended by then, whatever it waits for: a disk or a pipe that hangs.
    package static func endInSilence(afterMilliseconds milliseconds: Int) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGALRM)
        // Masks are inherited over execve(2).
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        signal(SIGALRM) { _ in _exit(0) }
        var timer = itimerval()
        timer.it_value = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        setitimer(ITIMER_REAL, &timer, nil)
    }

    package static func isTerminal(_ standardStream: Int32) -> Bool { isatty(standardStream) == 1 }

    /// Of the terminal that a standard stream is; 0 where nobody says.
    package static func terminalColumns(_ standardStream: Int32) -> Int { Int(clinux_columns(standardStream)) }

    /// Processors that this process may run on: sched_setaffinity(2), a unit's CPUAffinity= or a container's set may leave
    /// it fewer than there are.
    package static var processors: Int {
        var allowed = cpu_set_t()
        guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &allowed) == 0 else {
            // More processors than the set has room for: EINVAL.
            return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        }
        return max(1, withUnsafeBytes(of: &allowed) { $0.reduce(0) { $0 + $1.nonzeroBitCount } })
    }

    /// How many files may be open: the soft limit (getrlimit(2), RLIMIT_NOFILE).
    package static var openFiles: Int { Int(clamping: openFilesLimit().rlim_cur) }

    /// Raises the soft limit of open files to the hard one, at most `wanted`.
    package static func raiseOpenFiles(to wanted: UInt64) {
        var limit = openFilesLimit()
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func openFilesLimit() -> rlimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }
}
