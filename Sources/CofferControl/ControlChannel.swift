public import CofferSecrets
internal import FoundationEssentials
internal import Glibc

/// One end of a Unix stream socket between a daemon and whoever started it or asks it something.
///
/// A message is a frame: its length as u32, little-endian, at most 64 KiB, then JSON. Secrets pass raw, with no frame,
/// where both sides know that one comes and how long it is: they go from one locked page to the other and are never
/// part of a message. Every wait for the other side has a limit. One owner; the socket closes with it.
public struct ControlChannel: ~Copyable, Sendable {
    public static let maximumMessageBytes = 64 << 10
    /// How long a send may wait for a peer that does not read.
    private static let sendTimeoutMilliseconds = 10_000

    /// The socket, for a child to inherit; it stays this channel's.
    public let descriptor: Int32

    /// Takes over a connected socket, such as one that was inherited.
    public init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Both ends of a new connection. Frozen, so that an owner in another module can take it apart.
    @frozen
    public struct Pair: ~Copyable, Sendable {
        public let ours: ControlChannel
        /// The end whose descriptor a child gets.
        public let theirs: ControlChannel
    }

    /// Two connected channels, both closed on exec.
    public static func pair() throws(ControlError) -> Pair {
        var sockets: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, streamCloseOnExec, 0, &sockets) == 0 else {
            throw .system(errno: errno, call: "socketpair")
        }
        return Pair(ours: ControlChannel(adopting: sockets[0]), theirs: ControlChannel(adopting: sockets[1]))
    }

    /// Connects to the listener at `path`.
    public static func connect(path: String, timeoutMilliseconds: Int) throws(ControlError) -> ControlChannel
    {
        let address = try UnixAddress(path)
        let channel = ControlChannel(adopting: try UnixAddress.streamSocket())
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        // Not blocking: connect(2) would wait without limit for room in the listener's queue.
        while !(try address.tryConnect(channel.descriptor)) {
            guard deadline.remaining > 0 else { throw .timedOut }
            usleep(2000)
        }
        return channel
    }

    // MARK: - Messages

    public borrowing func send(_ message: some Encodable) throws(ControlError) {
        guard let json = try? JSONEncoder().encode(message) else { throw .malformed }
        guard json.count <= Self.maximumMessageBytes else { throw .messageTooLong }
        let length = UInt32(json.count)
        let frame = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(json)
        unsafe try sendAll(frame.span.bytes)
    }

    /// Waits for a whole message. A frame that announces too much, or holds something else, is an error, after which
    /// the channel is of no more use.
    public borrowing func receive<Message: Decodable>(
        _ type: Message.Type,
        timeoutMilliseconds: Int
    ) throws(ControlError) -> Message {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        let prefix = try receiveBytes(4, by: deadline)
        let length = prefix.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard length <= Self.maximumMessageBytes else { throw .messageTooLong }
        let json = try receiveBytes(Int(length), by: deadline)
        guard let message = try? JSONDecoder().decode(type, from: Data(json)) else { throw .malformed }
        return message
    }

    /// Whether a message has begun to arrive within the time, or the other end has closed the channel.
    public borrowing func hasAnswer(withinMilliseconds limit: Int) throws(ControlError) -> Bool {
        try waitUntilReady(descriptor, for: POLLIN, by: Deadline(milliseconds: limit))
    }

    // MARK: - Secrets

    /// Sends the bytes of a secret as they are.
    public borrowing func sendSecret(_ secret: RawSpan) throws(ControlError) {
        try sendAll(secret)
    }

    /// Receives a secret of `count` bytes straight into locked memory.
    public borrowing func receiveSecret(
        count: Int,
        timeoutMilliseconds: Int
    ) throws(ControlError) -> SecretBytes {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        return try SecretBytes(count: count) { (span) throws(ControlError) in
            try receiveAll(&span, by: deadline)
        }
    }

    // MARK: - Bytes

    private borrowing func receiveBytes(_ count: Int, by deadline: Deadline) throws(ControlError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        try receiveAll(&span, by: deadline)
        return bytes
    }

    /// Fills the span. What had arrived when an error is thrown is lost.
    private borrowing func receiveAll(
        _ span: inout MutableRawSpan,
        by deadline: Deadline
    ) throws(ControlError) {
        try unsafe span.withUnsafeMutableBytes { (buffer) throws(ControlError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let got = unsafe recv(descriptor, rest.baseAddress, rest.count, Int32(MSG_DONTWAIT))
                if got > 0 {
                    done += got
                } else if got == 0 || errno == ECONNRESET {
                    throw .closed
                } else if errno == EAGAIN {
                    try wait(for: POLLIN, by: deadline)
                } else if errno != EINTR {
                    throw .system(errno: errno, call: "recv")
                }
            }
        }
    }

    private borrowing func sendAll(_ bytes: RawSpan) throws(ControlError) {
        let deadline = Deadline(milliseconds: Self.sendTimeoutMilliseconds)
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        try unsafe bytes.withUnsafeBytes { (buffer) throws(ControlError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                let put = unsafe Glibc.send(descriptor, rest.baseAddress, rest.count, flags)
                if put >= 0 {
                    done += put
                } else if errno == EPIPE || errno == ECONNRESET {
                    throw .closed
                } else if errno == EAGAIN {
                    try wait(for: POLLOUT, by: deadline)
                } else if errno != EINTR {
                    throw .system(errno: errno, call: "send")
                }
            }
        }
    }

    private borrowing func wait(for events: Int32, by deadline: Deadline) throws(ControlError) {
        guard try waitUntilReady(descriptor, for: events, by: deadline) else { throw .timedOut }
    }
}
