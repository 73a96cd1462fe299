/// Why a message cannot pass between a daemon and whoever speaks to it. `description` is one sentence for people.
public enum ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A system call failed with this errno.
    case system(errno: Int32, call: String)
    /// The other side closed the socket, or died.
    case closed
    /// The other side did not answer within the time given.
    case timedOut
    /// A frame, sent or announced, is longer than `ControlChannel.maximumMessageBytes`.
    case messageTooLong
    /// A whole frame arrived and is not the message that was expected.
    case malformed
    /// The path of a socket does not fit a Unix address, which holds 107 bytes.
    case pathTooLong

    public var description: String {
        switch self {
        case .system(let code, let call): "\(call) on the control socket failed with errno \(code)"
        case .closed: "the other side closed the control socket"
        case .timedOut: "the other side of the control socket did not answer in time"
        case .messageTooLong: "a message on the control socket is longer than 64 KiB"
        case .malformed: "the other side of the control socket sent something else than what was expected"
        case .pathTooLong:
            "the path of the control socket is longer than the 107 bytes that a Unix address holds"
        }
    }
}
