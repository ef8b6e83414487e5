"""The page's one style sheet, and the policy that allows nothing but it."""

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1d2327; --soft: #5b656d; --line: #dfe3e6;
  --reference: #c6ccd1; --window: #1f6fb2; --new: #c2410c;
  --good: #17663a; --good-back: #e5f4ea; --care: #7a4b00; --care-back: #fdf0d5;
  --bad: #9b1c1c; --bad-back: #fde8e8; --unknown: #47525b; --unknown-back: #eceff1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181b; --card: #1c2125; --ink: #e6eaed; --soft: #a3adb5; --line: #343c42;
    --reference: #5a666f; --window: #6cb4f2; --new: #ff9a62;
    --good: #8fdcae; --good-back: #16331f; --care: #f5cd80; --care-back: #3a2c0c;
    --bad: #ffb1ab; --bad-back: #451a1a; --unknown: #bcc6cd; --unknown-back: #2a3136;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 74rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin-top: 3rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.08rem; margin-top: 2rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: 0 0 .75rem; max-width: 46rem; overflow-wrap: anywhere; }
.soft, figcaption, caption, summary { color: var(--soft); }
.soft, figcaption { font-size: .92rem; }
a { color: var(--window); }
.verdicts { display: grid; gap: 1rem; margin: 1.5rem 0; padding: 0; list-style: none; }
.verdict {
  background: var(--card); border: 1px solid var(--line); border-left: .4rem solid;
  border-radius: .5rem; padding: 1rem 1.25rem;
}
.verdict p { margin: .35rem 0 0; font-size: 1.05rem; max-width: none; }
li.verdict { max-width: none; }
.verdict.good { border-left-color: var(--good); } .verdict.care { border-left-color: var(--care); }
.verdict.bad { border-left-color: var(--bad); }
.verdict.unknown { border-left-color: var(--unknown); }
.head { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: baseline; }
.badge {
  display: inline-block; border-radius: 1rem; padding: .08rem .7rem; font-size: .88rem;
  font-weight: 600; white-space: nowrap;
}
.badge.good { color: var(--good); background: var(--good-back); }
.badge.care { color: var(--care); background: var(--care-back); }
.badge.bad { color: var(--bad); background: var(--bad-back); }
.badge.unknown { color: var(--unknown); background: var(--unknown-back); }
.cards {
  display: grid; gap: 1rem; align-items: start; margin: .75rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr));
}
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem;
  min-width: 0;
}
.card .head { justify-content: space-between; }
dl.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
dl.facts div { min-width: 0; }
dl.facts dt { color: var(--soft); font-size: .85rem; }
dl.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
figure { margin: .6rem 0; }
figcaption { margin-top: .25rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg.wide { max-width: 62rem; }
svg text { fill: var(--soft); font-size: 11px; font-family: inherit; }
@media (max-width: 45rem) { svg.wide text { font-size: 21px; } }
svg .reference { fill: var(--reference); }
svg .bar { fill: var(--window); fill-opacity: .8; }
svg .new { fill: var(--new); }
svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg path.window { stroke: var(--window); } svg circle.window { fill: var(--window); }
svg path.second { stroke: var(--new); } svg circle.second { fill: var(--new); }
svg path.trained { stroke: var(--soft); stroke-dasharray: 5 4; }
svg .axis { stroke: var(--line); }
.key { display: inline-flex; align-items: center; gap: .4rem; margin-right: 1.1rem; }
.key::before { content: ""; width: .85rem; height: .85rem; border-radius: .15rem; }
.key.reference::before { background: var(--reference); }
.key.window::before { background: var(--window); }
.key.second::before, .key.new::before { background: var(--new); }
.key.trained::before { height: 0; border-top: 2px dashed var(--soft); border-radius: 0; }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; min-width: min(100%, 18rem); }
caption { text-align: left; font-size: .85rem; padding-bottom: .3rem; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; unicode-bidi: isolate; overflow-wrap: break-word; max-width: 26rem; }
thead th { color: var(--soft); font-weight: 600; overflow-wrap: normal; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
table.rows th, table.rows td { padding-right: .6rem; }
table.rows td:nth-child(2) { min-width: 7.5rem; }
.place { display: block; width: 10.5rem; font-size: .85rem; overflow-wrap: anywhere; }
.whole { white-space: nowrap; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-size: .92rem; }
li { margin-bottom: .35rem; max-width: 46rem; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--window); outline-offset: 2px; }
@media print { .card, .verdict, tr { break-inside: avoid; } body { background: none; } }
"""

_digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_digest}'; base-uri 'none'; form-action 'none'"
"""The page's Content-Security-Policy: this style and nothing else, from nowhere."""
