internal import CofferCatalog
internal import CofferShapes

/// All that decides what state a volume is in.
struct VolumeSituation: Sendable {
    let record: VolumeRecord
    let attachment: AttachmentState
    /// Whether its daemon brings it under a new volume key.
    var isReencrypting = false
    /// What was asked for last, where something was.
    let entry: AttachmentEntry?
    /// Whether a command holds the volume's operation lock.
    let isChanging: Bool
    let fileExists: Bool
    let file: String

    var label: String { record.label }
}

/// What a verb does to a volume.
enum VolumeVerb {
    case attach, detach, delete, modify, snapshot
    /// Wraps the volume key anew, or gives the volume another: attached or not.
    case changeKey
    /// Changes the header while the volume is detached: repair, restore.
    case rewriteHeader
}

/// The states of a volume and its attachment, and what may be done in each. (EC2 API reference, `Volume`,
/// `VolumeAttachment`, "Error codes".)
///
/// ```
/// volume      creating ── available ⇄ in-use        deleting ── gone
///                 └────── error ───────────────────────┘
/// attachment  attaching ── attached ── detaching ── gone
///                              └─ busy ─┘   a detach was begun and refused, or the daemon does not answer
/// ```
/// The index knows of creation, failure and deletion; that a volume is in use is the kernel's and the daemon's to tell.
enum VolumeLifecycle {
    // MARK: - States

    /// The state, and where something is wrong why, and what to do about it.
    static func state(of volume: VolumeSituation) -> (Volume.State, reason: String?) {
        let label = volume.label
        switch volume.record.stage {
        case .creating:
            if volume.isChanging { return (.creating, nil) }
            return (.error, "its creation was interrupted: remove it with `coffer volume rm \(label)`")
        case .failed: return (.error, volume.record.failure)
        case .deleting where volume.isChanging: return (.deleting, nil)
        case .deleting:
            return (.error, "its deletion was interrupted: finish it with `coffer volume rm \(label)`")
        case .ready: break
        }
        guard volume.fileExists else { return (.error, "its file \(volume.file) is missing") }
        let undo = "`coffer volume unmount \(label)"
        switch volume.attachment {
        case .detached, .working:
            // Its links and its lock go last of all.
            let isDetaching = volume.entry?.stage == .detaching && volume.isChanging
            return (isAttaching(volume) || isDetaching ? .inUse : .available, nil)
        case .attached: return (.inUse, nil)
        case .elsewhere where volume.isChanging:
            return (.inUse, "another command is changing it right now")
        case .elsewhere:
            return (
                .inUse,
                "it is attached in another mount namespace, or by a process that this home does not know"
            )
        case .faulted:
            return (
                .inUse,
                "faulted: a sync of its file failed, so that it takes no writes: clean up with \(undo)`"
            )
        case .hung: return (.inUse, "its daemon does not answer: clean up with \(undo) --force`")
        case .crashed: return (.inUse, "its daemon died and left mounts behind: clean up with \(undo)`")
        }
    }

    /// nil while it is not attached.
    static func attachmentState(of volume: VolumeSituation) -> VolumeAttachment.State? {
        switch volume.attachment {
        case .detached, .working:
            if isAttaching(volume) { return .attaching }
            return volume.entry?.stage == .detaching && volume.isChanging ? .detaching : nil
        case .hung, .crashed: return .busy
        case .attached, .faulted, .elsewhere: break
        }
        switch volume.entry?.stage {
        case .attaching where volume.isChanging: return .attaching
        case .detaching: return volume.isChanging ? .detaching : .busy
        case .attaching, .attached, nil: return .attached
        }
    }

    private static func isAttaching(_ volume: VolumeSituation) -> Bool {
        volume.entry?.stage == .attaching && volume.isChanging
    }

    // MARK: - What may be done

    /// Refuses what a verb may not do to a volume in its state. Whoever asks holds the operation lock or is about to
    /// take it.
    static func require(_ verb: VolumeVerb, _ volume: VolumeSituation) throws {
        let label = volume.label
        switch volume.record.stage {
        case .ready: break
        case .creating where volume.isChanging:
            throw AWSError(
                .incorrectState,
                "Volume '\(label)' is in the 'creating' state.",
                hint: "wait until it is available"
            )
        case .deleting where volume.isChanging && verb != .delete:
            throw AWSError(.incorrectState, "Volume '\(label)' is in the 'deleting' state.")
        case .creating, .failed, .deleting:
            if verb == .delete { break }
            let what =
                switch volume.record.stage {
                case .creating: "the creation of volume \(label) was interrupted"
                case .deleting: "the deletion of volume \(label) was interrupted"
                default: "the creation of volume \(label) failed: \(volume.record.failure ?? "")"
                }
            throw AWSError(
                .incorrectState,
                what,
                hint: "remove it with `coffer volume rm \(label)`"
            )
        }
        switch verb {
        case .attach, .delete, .rewriteHeader: try requireDetached(volume)
        case .detach, .modify: break
        case .snapshot, .changeKey: try requireReachable(volume)
        }
    }

    /// Whether a detach is for an attachment that is there. (`DetachVolume`)
    static func require(_ claim: AttachmentClaim, _ volume: VolumeSituation, host: InstanceID) throws {
        if [.detached, .working].contains(volume.attachment), !isAttaching(volume) {
            throw AWSError(.incorrectState, "Volume '\(volume.record.id)' is in the 'available' state.")
        }
        let instance = volume.entry?.instance ?? host
        guard claim.instance == nil || claim.instance == instance.text,
            claim.device.map({ DeviceName.same($0, volume.entry?.device ?? "") }) ?? true
        else {
            throw AWSError(
                .attachmentNotFound,
                "The volume '\(volume.record.id)' is not attached to instance '\(claim.instance ?? instance.text)' as "
                    + "device '\(claim.device ?? "")'"
            )
        }
    }

    /// Refuses what needs a daemon that can be asked, or none.
    private static func requireReachable(_ volume: VolumeSituation) throws {
        let label = volume.label
        switch volume.attachment {
        case .detached, .attached: return
        case .working where volume.isReencrypting: throw reencryptionRefusal(label)
        case .working:
            throw AWSError(
                .concurrentSnapshotLimitExceeded,
                "a snapshot of volume \(label) is being made",
                hint: "wait until it is complete, then try again"
            )
        case .faulted, .elsewhere, .crashed, .hung:
            throw AWSError(
                .incorrectState,
                "volume \(label) cannot be reached: \(state(of: volume).reason ?? "")"
            )
        }
    }

    static func reencryptionRefusal(_ label: String) -> AWSError {
        AWSError(
            .incorrectState,
            "volume \(label) is being re-encrypted",
            hint: "wait until that is done: `coffer volume reencrypt \(label)` goes on with it, and waits"
        )
    }

    private static func requireDetached(_ volume: VolumeSituation) throws {
        let label = volume.label
        switch volume.attachment {
        case .detached where !isAttaching(volume): return
        case .working where volume.isReencrypting: throw reencryptionRefusal(label)
        case .working:
            throw AWSError(
                .incorrectState,
                "a snapshot of volume \(label) is being made",
                hint: "wait until it is complete, then try again"
            )
        case .detached, .attached, .faulted, .elsewhere:
            throw AWSError(
                .volumeInUse,
                "volume \(label) is attached",
                hint: "detach it first with `coffer volume unmount \(label)`"
            )
        case .crashed, .hung:
            let isHung = volume.attachment == .hung
            throw AWSError(
                .volumeInUse,
                "the daemon of volume \(label) \(isHung ? "hangs" : "died") and left mounts",
                hint: "clean up with `coffer volume unmount \(label)" + (isHung ? " --force`" : "`")
            )
        }
    }
}
