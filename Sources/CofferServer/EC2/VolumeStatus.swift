internal import CofferEBS
internal import CofferShapes

/// How a volume is, as EC2 tells it. (EC2 API reference, `VolumeStatusItem`)
struct VolumeStatus {
    /// What went wrong.
    struct Event {
        let id: String
        let type: String
        let description: String
        let begin: Timestamp
    }

    let volume: Volume
    /// `ok`, `impaired` or `insufficient-data`.
    let status: String
    /// `passed` or `failed`: whether its file can be read and written.
    let ioEnabled: String
    let event: Event?

    /// A volume that failed, and one whose newest event is a failure, tells why: what AWS sends to EventBridge alone.
    init(_ volume: Volume, newest: VolumeEvent?) {
        self.volume = volume
        let isDamaged = [.faulted, .hung, .crashed].contains(volume.attachment) || volume.state == .error
        status = volume.state == .creating ? "insufficient-data" : isDamaged ? "impaired" : "ok"
        ioEnabled = isDamaged ? "failed" : "passed"
        if let newest, newest.result == "failed" {
            event = Event(
                id: "evol-\(volume.id.text.dropFirst(4))",
                type: "\(newest.name)-failed",
                description: newest.cause,
                begin: newest.time
            )
        } else if let reason = volume.stateReason {
            event = Event(
                id: "evol-\(volume.id.text.dropFirst(4))",
                type: "potential-data-inconsistency",
                description: reason,
                begin: newest?.time ?? volume.created
            )
        } else {
            event = nil
        }
    }

    static let filterNames: Set<String> = [
        "action.code", "action.description", "action.event-id", "availability-zone", "event.description",
        "event.event-id", "event.event-type", "event.not-after", "event.not-before",
        "volume-status.details-name", "volume-status.details-status", "volume-status.status",
    ]

    func values(of name: String) -> [String] {
        switch name {
        case "availability-zone": [volume.region.zone]
        case "event.description": event.map { [$0.description] } ?? []
        case "event.event-id": event.map { [$0.id] } ?? []
        case "event.event-type": event.map { [$0.type] } ?? []
        case "event.not-before": event.map { [$0.begin.iso8601] } ?? []
        case "volume-status.details-name": ["io-enabled", "io-performance"]
        case "volume-status.details-status": [ioEnabled, "not-applicable"]
        case "volume-status.status": [status]
        default: []
        }
    }
}
