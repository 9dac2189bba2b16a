import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@Suite("A control server")
struct ControlServerTests {
    private func errorName(_ reply: JSONValue?) -> String? { reply?["error"]?.text }

    @Test("says what it is, and describes what it serves")
    func introspection() throws {
        try serving { server in
            let client = try RawClient(server.path)
            let info = try client.call("org.varlink.service.GetInfo")?["parameters"]
            #expect(info?["product"]?.text == "uploaderd")
            #expect(info?["version"]?.text == Product.version)
            #expect(
                info?["interfaces"]?.elements == [.string("org.varlink.service"), .string("io.uploaderd.Control")])
            let text = try client.call(
                "org.varlink.service.GetInterfaceDescription", #"{"interface":"io.uploaderd.Control"}"#)
            #expect(text?["parameters"]?["description"]?.text == ControlInterface.text)
            let service = try client.call(
                "org.varlink.service.GetInterfaceDescription", #"{"interface":"org.varlink.service"}"#)
            #expect(service?["parameters"]?["description"]?.text == ControlInterface.serviceText)
        }
    }

    @Test(
        "answers a wrong call with the error that the protocol has for it, and goes on",
        arguments: [
            ("io.uploaderd.Control.Nothing", "{}", "org.varlink.service.MethodNotFound", "method"),
            ("org.example.Other.Thing", "{}", "org.varlink.service.InterfaceNotFound", "interface"),
            ("org.varlink.service.Nothing", "{}", "org.varlink.service.MethodNotFound", "method"),
            ("org.varlink.service.GetInterfaceDescription", "{}", "org.varlink.service.InvalidParameter", "parameter"),
            (
                "org.varlink.service.GetInterfaceDescription", #"{"interface":"a.b"}"#,
                "org.varlink.service.InterfaceNotFound", "interface"
            ),
            ("NoDot", "{}", "org.varlink.service.InvalidParameter", "parameter"),
            (".", "{}", "org.varlink.service.InvalidParameter", "parameter"),
            ("io.uploaderd.Control.DescribeSession", "{}", "org.varlink.service.InvalidParameter", "parameter"),
            (
                "io.uploaderd.Control.DescribeSession", #"{"sid":"unknown"}"#, "io.uploaderd.Control.NoSuchSession",
                "message"
            ),
            ("io.uploaderd.Control.Replay", #"{"sid":"s"}"#, "org.varlink.service.ExpectedMore", nil),
            ("io.uploaderd.Control.GetStatus", "null", nil, nil),
        ] as [(String, String, String?, String?)])
    func wrongCalls(_ method: String, _ parameters: String, _ error: String?, _ field: String?) throws {
        try serving { server in
            let client = try RawClient(server.path)
            let reply = try client.call(method, parameters)
            #expect(errorName(reply) == error)
            if let field { #expect(reply?["parameters"]?[field]?.text != nil) }
            #expect(try client.call("org.varlink.service.GetInfo")?["parameters"] != nil)
        }
    }

    @Test(
        "answers what is no call with BadRequest, closes, and serves others",
        arguments: [
            "nonsense", "", "[]", "1", #"{"parameters":{}}"#, #"{"method":""}"#, #"{"method":1}"#,
            #"{"method":"a.b.C","parameters":[]}"#, #"{"method":"a.b.C","parameters":{"x":1e999}}"#,
            #"{"method":"a.b.C","parameters":{"x":"# + String(repeating: "[", count: 100_000),
            #"{"method":"a.b.C","parameters":{"x":"# + String(repeating: "9", count: 100_000) + "}}",
            "{\"a\":\"\\ud800\"}",
        ])
    func noCall(_ text: String) throws {
        try serving { server in
            let client = try RawClient(server.path)
            #expect(errorName(try client.call("org.varlink.service.GetInfo")) == nil)
            try client.send(text)
            let reply = try client.reply()
            #expect(errorName(reply) == "io.uploaderd.Control.BadRequest")
            #expect(reply?["parameters"]?["message"]?.text?.isEmpty == false)
            #expect(try client.reply() == nil)
            #expect(try RawClient(server.path).call("org.varlink.service.GetInfo") != nil)
        }
    }

    @Test("refuses a request over its limit, whether or not it ends")
    func tooLong() throws {
        for nul in [true, false] {
            try serving { server in
                let client = try RawClient(server.path)
                // The server may close before it has taken all.
                try? client.send(String(repeating: " ", count: (1 << 20) + 70_000), nul: nul)
                #expect(errorName(try client.reply()) == "io.uploaderd.Control.BadRequest")
                #expect(try client.reply() == nil)
            }
        }
    }

    @Test("takes a request just below its limit")
    func longCall() throws {
        try serving { server in
            let client = try RawClient(server.path)
            let call = #"{"method":"org.varlink.service.GetInfo"}"#
            try client.send(call + String(repeating: " ", count: (1 << 20) - call.utf8.count))
            #expect(try client.reply()?["parameters"] != nil)
        }
    }

    @Test("answers calls in the order they came, however their bytes are cut")
    func pipelined() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        try serving { server in
            let client = try RawClient(server.path)
            var bytes: [UInt8] = []
            for number in 0..<200 { bytes += Array(#"{"method":"a.b.M\#(number)"}"#.utf8) + [0] }
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...60, using: &random))
                try client.send(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            for _ in 0..<200 {
                #expect(try client.reply()?["parameters"]?["interface"]?.text == "a.b", "seed \(seed)")
            }
            // All at once: far more than it lets wait.
            for number in 0..<2_000 { bytes += Array(#"{"method":"a.c.M\#(number)"}"#.utf8) + [0] }
            try client.send(bytes)
            for _ in 0..<2_200 { #expect(try client.reply()?["error"] != nil) }
        }
    }

    @Test("gives a oneway call no reply, not even an error, but carries it out")
    func oneway() throws {
        try serving { server in
            let client = try RawClient(server.path)
            try client.send(#"{"method":"io.uploaderd.Control.Nothing","oneway":true}"#)
            try client.send(#"{"method":"io.uploaderd.Control.Reload","oneway":true,"more":true}"#)
            let reply = try client.call("org.varlink.service.GetInfo")
            #expect(reply?["parameters"]?["product"]?.text == "uploaderd")
            #expect(server.handler.state.withLock { $0.reloads } == 1)
            // Also from one who does not wait.
            do {
                let hasty = try RawClient(server.path)
                try hasty.send(#"{"method":"io.uploaderd.Control.Reload","oneway":true}"#)
            }
            try server.handler.waitForSignal()
            try server.handler.waitForSignal()
            #expect(server.handler.state.withLock { $0.reloads } == 2)
        }
    }

    @Test("closes a request that is half sent after 30 s, with a reason")
    func halfRequest() throws {
        try serving { server in
            let client = try RawClient(server.path)
            try client.send(#"{"method":"#, nul: false)
            try server.time.waitForTimer(in: .seconds(30))
            server.time.advance(by: .seconds(29))
            #expect(try RawClient(server.path).call("org.varlink.service.GetInfo") != nil)
            server.time.advance(by: .seconds(1))
            let reply = try client.reply()
            #expect(errorName(reply) == "io.uploaderd.Control.BadRequest")
            #expect(reply?["parameters"]?["message"]?.text == "the request did not end within 30 s")
            #expect(try client.reply() == nil)
        }
    }

    @Test("closes an idle connection, but not one with an open call")
    func idle() throws {
        try serving { server in
            let watching = try RawClient(server.path)
            _ = try watching.call("io.uploaderd.Control.GetStatus", "{}", #","more":true"#)
            let idle = try RawClient(server.path)
            try server.time.waitForTimer(in: .seconds(600))
            server.time.advance(by: .seconds(601))
            #expect(try idle.reply() == nil)
            server.handler.change { $0.pid = 5 }
            #expect(try watching.reply()?["parameters"]?["pid"] == .integer(5))
        }
    }

    @Test("takes so many connections, tells the next one, and takes it when another has gone")
    func connections() throws {
        var limits = ControlLimits()
        limits.connections = 3
        try serving(limits: limits) { server in
            var clients = try (0..<3).map { _ in try RawClient(server.path) }
            for client in clients { #expect(try client.call("org.varlink.service.GetInfo") != nil) }
            let refused = try RawClient(server.path)
            #expect(errorName(try refused.reply()) == "io.uploaderd.Control.Busy")
            #expect(try refused.reply() == nil)
            #expect(server.log.events.map(\.kind) == [.peerRefused])
            clients.removeLast()
            // The hang-up is on the loop by the time that this comes back from it.
            try server.sync {}
            var next: JSONValue?
            for _ in 0..<100 where next?["parameters"]?["product"] == nil {
                try server.sync {}
                let client = try RawClient(server.path)
                try? client.send(#"{"method":"org.varlink.service.GetInfo"}"#)
                next = try client.reply()
            }
            #expect(next?["parameters"]?["product"]?.text == "uploaderd")
        }
    }

    @Test("refuses another user, says why, and logs it")
    func strangers() throws {
        try serving(owner: Process.user + 1) { server in
            let client = try RawClient(server.path)
            #expect(errorName(try client.reply()) == "org.varlink.service.PermissionDenied")
            #expect(try client.reply() == nil)
            let event = try #require(server.log.events.first)
            #expect(event.kind == .peerRefused)
            #expect(event.fields["PEER_UID"] == "\(Process.user)")
        }
    }

    @Test("survives whatever bytes come")
    func fuzz() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let words = [
            "{", "}", "[", "]", "\"method\":", "\"parameters\":", "\"io.uploaderd.Control.ListSessions\"", ",",
            "\"more\":true",
            "\"oneway\":true", "\u{0}", "null", "-1e9", "\"\\ud800\"",
            "{\"method\":\"io.uploaderd.Control.GetStatus\"}\u{0}",
        ].map { Array($0.utf8) }
        try serving { server in
            for _ in 0..<300 {
                let client = try RawClient(server.path)
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    let bytes: [UInt8] =
                        Bool.random(using: &random)
                        ? words.randomElement(using: &random) ?? []
                        : (0..<Int.random(in: 1...50, using: &random)).map { _ in
                            UInt8.random(in: 0...255, using: &random)
                        }
                    try? client.send(bytes)
                }
            }
            let client = try RawClient(server.path)
            #expect(try client.call("org.varlink.service.GetInfo") != nil, "seed \(seed)")
        }
    }
}
