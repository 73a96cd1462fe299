/// How the page looks: greys, one colour for Coffer, two columns or one, and ink on paper.
enum ReportStyle {
    static let sheet: Markup = """

        :root {
            --paper: #fbfaf8; --ink: #1d1c1a; --soft: #605c56; --rule: #dedad3;
            --bar: #918d87; --own: #a8481a; --whisker: #1d1c1a;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --paper: #171614; --ink: #ece9e4; --soft: #a8a39b; --rule: #37342f;
                --bar: #77736c; --own: #ef9a63; --whisker: #f6f4f0;
            }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
            margin: 0 auto; padding: 3.5rem clamp(1rem, 4vw, 3rem) 5rem; max-width: 78rem;
            background: var(--paper); color: var(--ink);
            font: 0.9375rem/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
            overflow-wrap: anywhere;
        }
        h1, h2, h3, .lede, .reading { font-family: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, serif; }
        h1 { margin: 0 0 0.4rem; font-size: 2.5rem; line-height: 1.1; font-weight: 600; letter-spacing: -0.01em; }
        h2 { margin: 0 0 0.2rem; font-size: 1.75rem; line-height: 1.2; font-weight: 600; }
        h3 { margin: 2.5rem 0 0.9rem; font-size: 1.15rem; line-height: 1.3; font-weight: 600; }
        p { margin: 0 0 0.6rem; }
        small { font-size: 0.8125rem; color: var(--soft); font-weight: 400; }
        a { color: inherit; text-decoration-color: var(--own); text-underline-offset: 0.2em; }
        a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--own); outline-offset: 3px; }
        .where, .lede { color: var(--soft); }
        .where span { display: block; }
        .lede { font-size: 1.0625rem; }
        nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.5rem; margin: 1.4rem 0; padding: 0; list-style: none; }
        .reading { max-width: 44rem; font-size: 1.0625rem; }
        .warning { color: var(--ink); font-style: italic; }
        section { margin-top: 3.5rem; padding-top: 2rem; border-top: 1px solid var(--rule); }

        .charts {
            display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr));
            gap: 2.25rem 3.5rem; margin: 1.5rem 0 2.25rem;
        }
        .chart { margin: 0; min-width: 0; break-inside: avoid; }
        figcaption { font-weight: 600; padding-bottom: 0.4rem; border-bottom: 1px solid var(--rule); margin-bottom: 0.5rem; }
        figcaption small { padding-left: 0.5em; }
        .chart svg { display: block; font-size: 14px; fill: var(--ink); font-variant-numeric: tabular-nums; }
        .chart svg.right { overflow: visible; }
        .chart svg.right text { text-anchor: end; }
        .chart text.head { fill: var(--soft); font-size: 12px; }
        .chart text.lead { fill: var(--soft); }
        .chart rect { fill: var(--bar); }
        .chart line { stroke: var(--whisker); stroke-width: 1.25; }
        .chart .own rect { fill: var(--own); }
        .chart .own text.name, .chart .own text.value { fill: var(--own); font-weight: 600; }
        .chart .warning { margin: 0.2rem 0 0; font-size: 0.8125rem; }

        .scroll { overflow-x: auto; margin: 0 0 1.5rem; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.8125rem; line-height: 1.45; overflow-wrap: break-word; }
        .numbers { width: 100%; }
        caption { text-align: left; padding: 0 0 0.4rem; color: var(--soft); font-size: 0.8125rem; }
        th, td { padding: 0.22rem 0 0.22rem 1.25rem; text-align: right; vertical-align: baseline; white-space: nowrap; }
        th { font-weight: 400; }
        table small { font-size: 1em; }
        .detailed thead th:last-child { text-align: left; }
        th:first-child { padding-left: 0; text-align: left; }
        thead th { max-width: 11rem; white-space: normal; color: var(--soft); border-bottom: 1px solid var(--rule); vertical-align: bottom; }
        tbody th[scope=rowgroup] { padding-top: 0.9rem; font-weight: 600; }
        tbody th[scope=rowgroup] small { padding-left: 0.6em; }
        tr.own th, tr.own td { color: var(--own); font-weight: 600; }
        tr.own td.details, tr.own td.details b { color: var(--ink); font-weight: 400; }
        td small.warning { padding-left: 0.5em; }
        td.absent { text-align: left; color: var(--soft); }
        td.details { text-align: left; white-space: normal; min-width: 15rem; color: var(--soft); }
        td.details b { font-weight: 400; color: var(--ink); }
        td.details span:not(:last-child)::after { content: ";"; }
        .overview tbody tr { border-bottom: 1px solid var(--rule); }
        .overview td { padding-left: 2rem; }
        .overview td b { font-weight: 600; }
        .overview td.ahead b { color: var(--own); }
        .overview td small { display: inline-block; min-width: 5.5em; }

        .how { margin-top: 2rem; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 0.35rem 3.5rem; margin: 0; font-size: 0.8125rem; }
        dl div { display: grid; grid-template-columns: minmax(6.5rem, 35%) 1fr; gap: 1rem; }
        dt { color: var(--soft); }
        dd { margin: 0; }

        @media (max-width: 34rem) {
            body { padding-top: 2rem; }
            h1 { font-size: 2rem; }
            .numbers tbody th:first-child:not([scope=rowgroup]), .overview th:first-child {
                position: sticky; left: 0; background: var(--paper); min-width: 8rem; max-width: 9rem; white-space: normal;
            }
            td.details { min-width: 12rem; }
        }
        @media print {
            :root {
                --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --bar: #888; --own: #9a3f12; --whisker: #000;
            }
            body { max-width: none; padding: 0; font-size: 9.5pt; }
            nav { display: none; }
            .scroll { overflow: visible; }
            table, dl { font-size: 7.5pt; }
            th, td { padding-left: 0.6rem; }
            .charts { grid-template-columns: repeat(2, 1fr); gap: 1.2rem 2rem; }
            h2, h3, caption, thead { break-after: avoid; }
            tr, tbody { break-inside: avoid; }
            .chart rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }

        """
}
