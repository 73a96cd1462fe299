internal import CofferEBS
internal import CofferTerminal

/// What a check or repair of a home has to say, for people and for programs.
enum HomeCheckOutput {
    private struct Report: Encodable {
        struct Finding: Encodable {
            let Code: String
            let Resource: String
            let Message: String
            let Repairable: Bool
        }
        struct Deed: Encodable {
            let Code: String
            let Resource: String
            let Message: String
            let Outcome: String
        }
        struct Unauthenticated: Encodable {
            let Resource: String
            let Reason: String
        }

        let Clean: Bool
        let Findings: [Finding]
        let Busy: [String]
        let NotAuthenticated: [Unauthenticated]
        let VolumesChecked: Int
        let SnapshotsChecked: Int
        let BlocksRead: UInt64
        /// Of a repair alone.
        let Mended: [Deed]?
        let NotMended: [Deed]?

        init(_ report: HomeReport, _ repair: HomeRepair?) {
            Clean = report.isClean
            Findings = report.findings.map {
                Finding(
                    Code: $0.code,
                    Resource: $0.resource,
                    Message: $0.sentence,
                    Repairable: $0.canBeRepaired
                )
            }
            Busy = report.busy.sorted()
            NotAuthenticated = report.unauthenticated.map {
                Unauthenticated(Resource: $0.resource, Reason: $0.why)
            }
            (VolumesChecked, SnapshotsChecked) = (report.volumesChecked, report.snapshotsChecked)
            BlocksRead = report.blocksRead
            Mended = repair?.mended.map(Self.deed)
            NotMended = repair?.failed.map(Self.deed)
        }

        private static func deed(_ deed: HomeRepair.Deed) -> Deed {
            Deed(
                Code: deed.finding.code,
                Resource: deed.finding.resource,
                Message: deed.finding.sentence,
                Outcome: deed.words
            )
        }
    }

    static func print(_ report: HomeReport, _ format: OutputFormat) throws {
        if format == .json { return try Terminal.json(Report(report, nil)) }
        tell(report)
    }

    static func print(_ repair: HomeRepair, _ format: OutputFormat) throws {
        if format == .json { return try Terminal.json(Report(repair.report, repair)) }
        for deed in repair.mended {
            Terminal.error("coffer: mended: \(deed.finding.sentence): \(deed.words)")
        }
        for deed in repair.failed {
            Terminal.error("coffer: not mended: \(deed.finding.sentence): \(deed.words)")
        }
        tell(repair.report)
    }

    private static func tell(_ report: HomeReport) {
        for resource in report.busy.sorted() {
            Terminal.error(
                "coffer: somebody is working on \(resource): what is left over there was not looked for"
            )
        }
        for one in report.unauthenticated {
            Terminal.error("coffer: \(one.resource) was not authenticated: \(one.why)")
        }
        guard !report.isClean else {
            let read = report.blocksRead == 0 ? "" : ", \(report.blocksRead) blocks of snapshots read"
            return Swift.print(
                "clean\t\(report.volumesChecked) volumes, \(report.snapshotsChecked) snapshots\(read)"
            )
        }
        Terminal.table(
            ["FINDING", "RESOURCE", "REPAIR", "WHAT"],
            report.findings.map { [$0.code, $0.resource, $0.canBeRepaired ? "yes" : "no", $0.sentence] }
        )
    }
}
