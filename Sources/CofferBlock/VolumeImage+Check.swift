public import CofferShapes

/// One thing that a check found.
public struct HeaderFinding: Sendable, Equatable {
    /// For programs; the sentence is for people.
    public enum Code: String, Sendable {
        case cannotOpen, copyUnusable, copyStale, copiesDiffer, copyTampered, reservedNotZero
        case creationUnfinished, rewrapUnfinished, reencryptionUnfinished
    }

    public let code: Code
    public let sentence: String
    /// Whether `repair` mends it.
    public let canBeRepaired: Bool
}

/// What a check found.
public struct HeaderReport: Sendable {
    public let findings: [HeaderFinding]
    /// Whether the volume key was there to authenticate with; without it forged bytes look like honest ones.
    public let wasAuthenticated: Bool
    public var isClean: Bool { findings.isEmpty }
}

extension VolumeImage {
    /// Looks at both copies and at the reserved areas; changes nothing.
    public func check() throws(HeaderError) -> HeaderReport {
        let reading = try read()
        do {
            let header = try reading.newest()
            try reading.requireRoom(for: header)
            return HeaderReport(findings: try findings(reading, header), wasAuthenticated: false)
        } catch {
            return HeaderReport(
                findings: [cannotOpen(error)] + unusable(reading, repairable: false),
                wasAuthenticated: false
            )
        }
    }

    /// The same, and whether each copy is authentic.
    public func check(_ volumeKey: borrowing VolumeKey) throws(HeaderError) -> HeaderReport {
        let reading = try read()
        let header: VolumeHeader
        do {
            header = try reading.authenticate(volumeKey)
        } catch {
            return HeaderReport(
                findings: [cannotOpen(error)] + unusable(reading, repairable: false),
                wasAuthenticated: true
            )
        }
        var all = try findings(reading, header)
        for place in HeaderCopy.allCases where reading.fault(of: place) == nil {
            guard try !reading.isAuthentic(place, volumeKey) else { continue }
            let sentence = "copy \(place.name) of the header was changed by somebody without the volume key"
            all.append(HeaderFinding(code: .copyTampered, sentence: sentence, canBeRepaired: true))
        }
        return HeaderReport(findings: all, wasAuthenticated: true)
    }

    /// Mends what can be mended: writes both copies anew from the newest good one, which is authenticated
    /// first, and zeroes the reserved areas. Throws what `open` throws, above all where no copy is good.
    public func repair(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        let (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        // A running re-encryption keeps its journal in the reserved areas.
        guard header.state != .reencrypting else { throw .wrongState(header.state) }
        let repaired = try update(header, after: reading, volumeKey)
        for gap in HeaderLayout.reservedGaps where try !isZero(gap) {
            let zeroes = [UInt8](repeating: 0, count: gap.count)
            try onStore { () throws(BlockError) in
                unsafe try store.write(zeroes.span.bytes, at: gap.lowerBound)
                try store.sync()
            }
        }
        return repaired
    }

    private func findings(
        _ reading: HeaderReading,
        _ header: VolumeHeader
    ) throws(HeaderError) -> [HeaderFinding] {
        var findings = unusable(reading, repairable: true)
        if let a = reading.header(in: .a), let b = reading.header(in: .b), a != b {
            if a.sequence == b.sequence {
                let sentence = "the copies of the header have one sequence number and differ"
                findings.append(HeaderFinding(code: .copiesDiffer, sentence: sentence, canBeRepaired: true))
            } else {
                let stale: HeaderCopy = a.sequence < b.sequence ? .a : .b
                let sentence =
                    "copy \(stale.name) of the header is older than the other: a change was cut short"
                findings.append(HeaderFinding(code: .copyStale, sentence: sentence, canBeRepaired: true))
            }
        }
        if header.state == .creating {
            let sentence = "the volume's creation did not finish: it holds no data and can be removed"
            findings.append(
                HeaderFinding(code: .creationUnfinished, sentence: sentence, canBeRepaired: false)
            )
        }
        if header.state == .rewrapping {
            let sentence = "the change of the volume's KMS key did not finish"
            findings.append(HeaderFinding(code: .rewrapUnfinished, sentence: sentence, canBeRepaired: false))
        }
        if header.state == .reencrypting {
            let sentence =
                "not all of the data is under the volume's newest key: it is being re-encrypted, or that was stopped"
            findings.append(
                HeaderFinding(code: .reencryptionUnfinished, sentence: sentence, canBeRepaired: false)
            )
        } else {
            for gap in HeaderLayout.reservedGaps where try !isZero(gap) {
                let sentence = "reserved bytes from \(gap.lowerBound) to \(gap.upperBound) are not zero"
                findings.append(
                    HeaderFinding(code: .reservedNotZero, sentence: sentence, canBeRepaired: true)
                )
            }
        }
        return findings
    }

    private func unusable(_ reading: HeaderReading, repairable: Bool) -> [HeaderFinding] {
        reading.damagedCopies.compactMap { place in
            reading.fault(of: place).map { fault in
                let sentence = "copy \(place.name) of the header \(fault.phrase)"
                return HeaderFinding(code: .copyUnusable, sentence: sentence, canBeRepaired: repairable)
            }
        }
    }

    private func cannotOpen(_ error: HeaderError) -> HeaderFinding {
        HeaderFinding(code: .cannotOpen, sentence: error.sentence, canBeRepaired: false)
    }

    private func isZero(_ gap: Range<UInt64>) throws(HeaderError) -> Bool {
        let bytes = try readBytes(at: gap.lowerBound, count: gap.count)
        return bytes.isZero(in: bytes.indices)
    }
}
