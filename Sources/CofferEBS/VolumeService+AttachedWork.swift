internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import Glibc

// What only the daemon of an attached volume can do, as it is then the one writer of the volume's file.
extension VolumeService {
    /// Grows the file and the header of an attached volume, with no call to KMS, and the loop devices above it.
    func growAttached(_ record: VolumeRecord, _ view: AttachmentView, toBytes bytes: UInt64) async throws {
        guard view.state == .attached || view.state == .faulted else {
            throw AWSError(
                .incorrectState,
                "the daemon of volume \(record.label) cannot be asked",
                hint: "see what is wrong with `coffer volume show \(record.label)`"
            )
        }
        switch try ask(.grow(toBytes: bytes), of: record) {
        case .done(let mark): try catalog.setMark(mark, of: record.id)
        case .failed(let failure): throw failure.error
        }
        guard let directory = view.exposedDirectory else { return }
        // The kernel knows a file in a FUSE mount to have grown once it is looked at.
        var status = stat()
        unsafe stat("\(directory)/volume", &status)
        for loop in view.loops { try loop.takeSize() }
    }

    /// Tells the daemon what is provisioned now: one that limits the volume follows.
    func applyLimits(_ record: VolumeRecord, _ target: ModificationRecord.Shape) async throws {
        guard case .failed(let failure) = try ask(.limit(VolumeRates.of(target)), of: record) else { return }
        // A volume that is only read has no keeper to tell: it stays as it was attached.
        guard failure.error.code != .incorrectState else { return }
        throw failure.error
    }

    /// Asks a volume's daemon to do something, and waits until it is durable. A sync of the volume's file may take long
    /// behind what others write.
    func ask(
        _ request: ControlRequest,
        of record: VolumeRecord,
        sendingSecret send: (borrowing ControlChannel) throws(ControlError) -> Void = { _ in }
    ) throws -> ControlAnswer {
        do {
            let channel = try ControlChannel.connect(
                path: runtime.controlSocket(record.id),
                timeoutMilliseconds: 5000
            )
            try channel.send(request)
            try send(channel)
            try awaitAnswer(channel, of: record)
            return try channel.receive(ControlAnswer.self, timeoutMilliseconds: 5000)
        } catch let error as ControlError {
            throw AWSError(.internalError, "the daemon of volume \(record.label) does not answer: \(error)")
        }
    }

    /// The socket of a daemon that was killed stays open as long as one of its threads waits in the kernel, for the volume
    /// itself perhaps: so its life is looked at too.
    private func awaitAnswer(_ channel: borrowing ControlChannel, of record: VolumeRecord) throws {
        let daemon = runtime.record(record.id)?.daemon
        let deadline = ContinuousClock.now + .seconds(120)
        while try !channel.hasAnswer(withinMilliseconds: 500) {
            if let daemon, !daemon.isAlive {
                throw AWSError(
                    .internalError,
                    "the daemon of volume \(record.label) died before it answered",
                    hint: "clean up with `coffer volume unmount \(record.label)`"
                )
            }
            guard ContinuousClock.now < deadline else { throw ControlError.timedOut }
        }
    }
}
