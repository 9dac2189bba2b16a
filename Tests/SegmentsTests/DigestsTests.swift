import Digests
import Shared
import Testing

@Suite("A running digest")
struct RunningDigestTests {
    @Test("is SHA-256")
    func isSHA256() {
        #expect(
            RunningDigest.digest(of: Array("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            RunningDigest().digest().hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test(
        "goes on from a kept state as if it had never stopped", arguments: [0, 1, 41, 55, 63, 64, 65, 127, 128, 1000])
    func goesOnFromState(length: Int) throws {
        let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var running = RunningDigest()
        bytes[..<length].withUnsafeBytes { running.update($0) }
        var taken = try #require(RunningDigest(state: running.state))
        #expect(taken.count == UInt64(length))
        #expect(taken.digest() == running.digest())
        bytes[length...].withUnsafeBytes { taken.update($0) }
        #expect(taken.digest() == RunningDigest.digest(of: bytes))
    }

    @Test("writes the state that its format promises")
    func writesState() {
        var running = RunningDigest()
        Array("abc".utf8).withUnsafeBytes { running.update($0) }
        let hex = running.state.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(
            hex == "01" + "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19" + "0000000000000003"
                + "616263")
    }

    @Test("refuses a state that it did not write")
    func refusesState() {
        let state = RunningDigest().state
        #expect(RunningDigest(state: []) == nil)
        #expect(RunningDigest(state: [2] + state.dropFirst()) == nil)
        #expect(RunningDigest(state: state + [0]) == nil)
        #expect(RunningDigest(state: state.dropLast()) == nil)
    }
}

@Suite("A machine key")
struct MachineKeyTests {
    @Test("makes HMAC-SHA-256, by the vectors of RFC 4231")
    func vectors() {
        let first = MachineKey(bytes: [UInt8](repeating: 0x0B, count: 20)).mac(Array("Hi There".utf8))
        #expect(first.hex == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let second = MachineKey(bytes: Array("Jefe".utf8)).mac(Array("what do ya want for nothing?".utf8))
        #expect(second.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let sixth = MachineKey(bytes: [UInt8](repeating: 0xAA, count: 131))
            .mac(Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
        #expect(sixth.hex == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        // Of nothing, with nothing: as any HMAC-SHA-256 says.
        let nothing = MachineKey(bytes: []).mac([])
        #expect(nothing.hex == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("comes from the machine id, and only from it")
    func derived() {
        let message = Array("head".utf8)
        let key = MachineKey.derived(fromMachineID: "0123456789abcdef0123456789abcdef")
        #expect(key.mac(message) == MachineKey.derived(fromMachineID: "0123456789abcdef0123456789abcdef").mac(message))
        #expect(key.mac(message) != MachineKey.derived(fromMachineID: "0123456789abcdef0123456789abcdee").mac(message))
        #expect(key.mac(of: RunningDigest.digest(of: message)) == key.mac(RunningDigest.digest(of: message).bytes))
    }
}
