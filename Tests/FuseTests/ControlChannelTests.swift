internal import CofferControl
internal import CofferSecrets
internal import Dispatch
internal import Glibc
internal import Testing

@Suite struct ControlChannelTests {
    /// A raw end, to send what no honest peer would.
    private func send(_ bytes: [UInt8], to channel: borrowing ControlChannel) {
        let put = unsafe write(channel.descriptor, bytes, bytes.count)
        #expect(put == bytes.count)
    }

    @Test func `a message arrives as it was sent, also in several pieces`() throws {
        let pair = try ControlChannel.pair()
        let ready = AttachAnswer.ready(
            AttachReady(processID: 17, fuseConnection: 41, notices: ["a notice"])
        )
        try pair.ours.send(ready)
        try pair.ours.send(ControlRequest.status)
        #expect(try pair.theirs.receive(AttachAnswer.self, timeoutMilliseconds: 1000) == ready)
        #expect(try pair.theirs.receive(ControlRequest.self, timeoutMilliseconds: 1000) == .status)
        let descriptor = pair.ours.descriptor
        DispatchQueue.global().async {
            for byte in [13, 0, 0, 0] + Array("{\"status\":{}}".utf8) {
                usleep(1000)
                _ = unsafe write(descriptor, [byte], 1)
            }
        }
        #expect(try pair.theirs.receive(ControlRequest.self, timeoutMilliseconds: 5000) == .status)
    }

    @Test func `a secret passes raw between messages`() throws {
        let pair = try ControlChannel.pair()
        let secret = SecretBytes(copying: Array(0..<64))
        try pair.ours.send(ControlRequest.status)
        try secret.withBytes { (bytes) throws(ControlError) in try pair.ours.sendSecret(bytes) }
        try pair.ours.send(["after"])
        _ = try pair.theirs.receive(ControlRequest.self, timeoutMilliseconds: 1000)
        let received = try pair.theirs.receiveSecret(count: 64, timeoutMilliseconds: 1000)
        let isEqual = received.constantTimeEquals(secret)
        #expect(isEqual)
        #expect(try pair.theirs.receive([String].self, timeoutMilliseconds: 1000) == ["after"])
    }

    @Test func `a peer that says nothing, half of it, or goes away is an error in time`() throws {
        let pair = try ControlChannel.pair()
        #expect(throws: ControlError.timedOut) {
            try pair.ours.receive(ControlRequest.self, timeoutMilliseconds: 20)
        }
        send([20, 0, 0, 0, 0x22], to: pair.theirs)
        #expect(throws: ControlError.timedOut) {
            try pair.ours.receive(ControlRequest.self, timeoutMilliseconds: 20)
        }
        shutdown(pair.theirs.descriptor, Int32(SHUT_RDWR))
        #expect(throws: ControlError.closed) {
            try pair.ours.receive(ControlRequest.self, timeoutMilliseconds: 1000)
        }
        #expect(throws: ControlError.closed) { try pair.ours.send(ControlRequest.status) }
        #expect(throws: ControlError.closed) {
            _ = try pair.ours.receiveSecret(count: 64, timeoutMilliseconds: 1000).count
        }
    }

    @Test func `a frame that is too long or holds something else is refused`() throws {
        let long = try ControlChannel.pair()
        send([1, 0, 1, 0], to: long.theirs)
        #expect(throws: ControlError.messageTooLong) {
            try long.ours.receive(ControlRequest.self, timeoutMilliseconds: 1000)
        }
        #expect(throws: ControlError.messageTooLong) {
            try long.ours.send([String](repeating: "x", count: 30_000))
        }
        for text in ["", "\"stop\"", "{\"status\":1}", "\u{0}\u{1}", "[[[[[["] {
            let pair = try ControlChannel.pair()
            send([UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8), to: pair.theirs)
            #expect(throws: ControlError.malformed) {
                try pair.ours.receive(ControlRequest.self, timeoutMilliseconds: 1000)
            }
        }
    }

    @Test func `a listener is its owner's alone, takes the place of a dead one, and is told from none`()
        throws
    {
        let path = "/tmp/coffer-control-\(getpid()).socket"
        defer { unsafe unlink(path) }
        for _ in 0..<2 {
            // The second finds what the first left.
            let listener = try ControlListener(path: path)
            var status = stat()
            #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
            let noCaller = try listener.accept(timeoutMilliseconds: 10) == nil
            #expect(noCaller)
            let caller = try ControlChannel.connect(path: path, timeoutMilliseconds: 1000)
            guard let peer = try listener.accept(timeoutMilliseconds: 1000) else {
                Issue.record("no caller")
                return
            }
            try caller.send(ControlRequest.status)
            #expect(try peer.receive(ControlRequest.self, timeoutMilliseconds: 1000) == .status)
        }
        #expect(throws: ControlError.system(errno: ECONNREFUSED, call: "connect")) {
            _ = try ControlChannel.connect(path: path, timeoutMilliseconds: 1000).descriptor
        }
    }

    @Test func `a path that does not fit a Unix address is told`() throws {
        let long = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: ControlError.pathTooLong) { _ = try ControlListener(path: long).path }
        #expect(throws: ControlError.pathTooLong) {
            _ = try ControlChannel.connect(path: long, timeoutMilliseconds: 10).descriptor
        }
        let fits = String(long.dropLast())
        #expect(throws: ControlError.system(errno: ENOENT, call: "connect")) {
            _ = try ControlChannel.connect(path: fits, timeoutMilliseconds: 10).descriptor
        }
    }
}
