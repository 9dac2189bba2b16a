import Shared
import Testing

@Suite("The directories")
struct DirectoriesTests {
    private func located(_ environment: [String: String], state: String? = nil) throws -> Directories {
        try Directories.located(environment: environment, processID: 42, state: state)
    }

    @Test("are below the home by default")
    func home() throws {
        let all = try located(["HOME": "/home/u"])
        #expect(all.state == "/home/u/.local/state/uploaderd")
        #expect(all.runtime == "/home/u/.local/state/uploaderd/run")
        #expect(all.configurationFile == "/home/u/.config/uploaderd/uploaderd.toml")
        #expect(all.cache == "/home/u/.cache/uploaderd")
        #expect(all.spool == "/home/u/.local/state/uploaderd/spool")
        #expect(all.store == "/home/u/.local/state/uploaderd/store")
        #expect(all.credentials == nil)
    }

    @Test("follow XDG, whose relative paths count as unset")
    func xdg() throws {
        let all = try located([
            "HOME": "/home/u", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/1000",
            "XDG_CONFIG_HOME": "relative", "XDG_CACHE_HOME": "/c/",
        ])
        #expect(all.state == "/s/uploaderd")
        #expect(all.controlSocket == "/run/user/1000/uploaderd/control.sock")
        #expect(all.configuration == "/home/u/.config/uploaderd")
        #expect(all.cache == "/c/uploaderd")
    }

    @Test("are systemd's only for the very process that a system unit started")
    func systemd() throws {
        let unit = [
            "HOME": "/root", "STATE_DIRECTORY": "/var/lib/uploaderd:/var/lib/more",
            "RUNTIME_DIRECTORY": "/run/uploaderd", "CONFIGURATION_DIRECTORY": "/etc/uploaderd",
            "CACHE_DIRECTORY": "/var/cache/uploaderd", "CREDENTIALS_DIRECTORY": "/run/credentials/u",
        ]
        let system = try located(unit.merging(["SYSTEMD_EXEC_PID": "42"]) { $1 })
        #expect(system.state == "/var/lib/uploaderd")
        #expect(system.runtime == "/run/uploaderd")
        #expect(system.configurationFile == "/etc/uploaderd/uploaderd.toml")
        #expect(system.cache == "/var/cache/uploaderd")
        #expect(system.credentials == "/run/credentials/u")
        for other in [[:], ["SYSTEMD_EXEC_PID": "41"], ["SYSTEMD_EXEC_PID": "42", "MANAGERPID": "7"]] {
            #expect(try located(unit.merging(other) { $1 }).state == "/root/.local/state/uploaderd")
        }
    }

    @Test("are refused where a variable is no UTF-8: what is read in its place is another directory")
    func noText() throws {
        for variable in ["XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"] {
            let problem = #expect(throws: ConfigurationProblem.self) {
                try located(["HOME": "/home/u"].merging([variable: "/\u{FFFD}"]) { $1 })
            }
            #expect(problem?.origin == .environment(variable))
        }
        #expect(try located(["HOME": "/home/u", "LS_COLORS": "\u{FFFD}"]).state == "/home/u/.local/state/uploaderd")
    }

    @Test("need a home only when nothing else says where")
    func homeless() throws {
        #expect(throws: ConfigurationProblem.self) { try located([:]) }
        #expect(throws: ConfigurationProblem.self) { try located(["HOME": "relative"]) }
        let all = try located([:], state: "/s")
        #expect(all.configurationFile == nil)
        #expect(all.runtime == "/s/run")
    }
}
