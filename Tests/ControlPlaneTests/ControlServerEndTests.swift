import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import Testing

/// Of a connection, and of all of them.
@Suite("A control server's end")
struct ControlServerEndTests {
    @Test("answers a peer that shut its sending side, and forgets one that went away in the middle")
    func halfClosed() throws {
        try serving { server in
            let client = try RawClient(server.path)
            try client.send(#"{"method":"org.varlink.service.GetInfo"}"#)
            #expect(try client.reply() != nil)
            do {
                let gone = try RawClient(server.path)
                try gone.send(#"{"method":"#, nul: false)
            }
            #expect(try client.call("org.varlink.service.GetInfo") != nil)
        }
    }

    @Test("drains: answers what is open, ends what has no end, takes nothing new")
    func drain() throws {
        try serving { server in
            let watching = try RawClient(server.path)
            _ = try watching.call("io.uploaderd.Control.GetStatus", "{}", #","more":true"#)
            let idle = try RawClient(server.path)
            #expect(try idle.call("org.varlink.service.GetInfo") != nil)
            try server.sync { [control = server.server] in await control.drain() }
            let last = try watching.reply()
            #expect(last?["parameters"]?["pid"] != nil)
            #expect(last?["continues"] == nil)
            #expect(try watching.reply() == nil)
            #expect(try idle.reply() == nil)
            #expect(throws: SystemError.self) { try RawClient(server.path) }
            #expect(try Files.status(server.path) == nil)
        }
    }

    @Test("drains although a caller never reads: it is given up in time")
    func drainDeaf() throws {
        try serving { server in
            // One reply that no socket holds (net.core.wmem_default is 208 KiB): who sees its beginning knows that the
            // server waits with the rest. Between two replies a drain would end the call.
            server.handler.change { $0.storePath = String(repeating: "x", count: 250_000) }
            let deaf = try RawClient(server.path)
            try deaf.send(#"{"method":"io.uploaderd.Control.GetStatus","parameters":{},"more":true}"#)
            #expect(try deaf.socket.wait(.readable, milliseconds: patience))
            server.loop.start { [control = server.server] in await control.drain() }
            try server.time.waitForTimer(in: ControlLimits().drain)
            server.time.advance(by: ControlLimits().drain)
            // Returns when nobody is left.
            try server.sync { [control = server.server] in await control.drain() }
            #expect(try deaf.reply() == nil)
        }
    }

    @Test("is over at once when cancelled, and so are its calls")
    func cancel() throws {
        try serving { server in
            server.handler.state.withLock { $0.holdsReplay = true }
            let client = try RawClient(server.path)
            try client.send(#"{"method":"io.uploaderd.Control.Replay","parameters":{"sid":"s"},"more":true}"#)
            try server.handler.waitForSignal()
            try server.sync { [control = server.server] in await control.cancel() }
            try server.handler.waitForSignal()
            #expect(try client.reply() == nil)
            #expect(server.handler.state.withLock { $0.cancelled } == 1)
        }
    }
}
