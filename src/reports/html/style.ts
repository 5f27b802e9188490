/**
 * The look of every page. One sheet within the page: it loads nothing from anywhere. Colours are
 * pairs for light and dark with a contrast of 4.5 and more; none says anything that words do not.
 */

export const STYLE = `
:root{color-scheme:light dark;
--bg:#f6f7f7;--card:#fff;--ink:#16191d;--soft:#59626d;--line:#dfe3e6;--head:#eef1f1;
--accent:#0b6a5d;--accent-soft:#dcefeb;
--good:#176b41;--good-bg:#e3f3ea;--warn:#7d4e00;--warn-bg:#fcefd3;--bad:#a8201a;--bad-bg:#fce5e3;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"Liberation Mono",
"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{
--bg:#111416;--card:#191d20;--ink:#e6eaed;--soft:#9ba6b0;--line:#2b3237;--head:#20262a;
--accent:#5fc9b6;--accent-soft:#17362f;
--good:#6fd39b;--good-bg:#15301f;--warn:#f0bd62;--warn-bg:#37290c;--bad:#ff9d94;--bad-bg:#431b18}}
*{box-sizing:border-box}
html{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
background:var(--bg);color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:90rem;padding:2.25rem 2rem 4rem}
a{color:var(--accent);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,input:focus-visible,.scroll:focus-visible{
outline:3px solid var(--accent);outline-offset:2px;border-radius:.2rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);
padding:.5rem 1rem;z-index:2}
.vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
.brand{display:flex;align-items:center;gap:.5rem;font-weight:650;letter-spacing:.01em;
color:var(--accent)}
.brand span{color:var(--soft);font-weight:400;margin-left:auto;font-size:.87rem}
h1{font-size:2.1rem;line-height:1.15;letter-spacing:-.022em;margin:1.1rem 0 .35rem;
font-weight:680}
.question{font-size:1.07rem;color:var(--soft);margin:0 0 1.4rem;max-width:60rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem 2rem;
margin:0 0 1.5rem;padding:1rem 0;border-block:1px solid var(--line)}
.facts dt{font-size:.78rem;color:var(--soft)}
.facts dd{margin:.1rem 0 0;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.8rem;
margin:0 0 1.5rem;padding:0;list-style:none}
.figures li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.85rem 1rem .8rem}
.figures b{display:block;font-size:1.75rem;line-height:1.15;font-weight:660;
letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.figures span{display:block;margin-top:.15rem}
.figures small{color:var(--soft);font-size:.83rem}
.figures .warn b{color:var(--warn)}.figures .bad b{color:var(--bad)}.figures .good b{
color:var(--good)}
.notes{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--warn);
border-radius:.35rem;padding:.75rem 1.1rem;margin:0 0 1.5rem}
.notes h2{font-size:.9rem;margin:0 0 .2rem}
.notes ul{margin:0;padding-left:1.1rem}
.bar{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;margin:0 0 1.1rem}
.bar fieldset{border:0;margin:0;padding:0;display:flex;gap:1rem;align-items:center}
.bar legend{float:left;padding:0;margin-right:1rem;color:var(--soft)}
.bar label{display:flex;gap:.4rem;align-items:center;cursor:pointer}
.bar input{accent-color:var(--accent);width:1.05rem;height:1.05rem;margin:0}
.index{margin:0 0 1.5rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.65rem 1rem}
.index summary,.patch summary{cursor:pointer;font-weight:600}
.index ul{columns:15rem auto;column-gap:2rem;list-style:none;margin:.6rem 0 .2rem;padding:0}
.index li{break-inside:avoid;padding:.1rem 0;font-family:var(--mono);font-size:.87rem}
.index li small{color:var(--soft)}
.group{margin:0 0 1.6rem;content-visibility:auto;contain-intrinsic-size:auto 30rem}
.group>h2{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem .8rem;margin:0 0 .5rem;
font-size:1.1rem;line-height:1.35;font-weight:640}
.group>h2.id{font-family:var(--mono);font-weight:600;font-size:1.06rem;letter-spacing:-.01em}
.group>h2 .tag{font:400 .84rem/1.4 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;
letter-spacing:0;color:var(--soft)}
.group>h2 .tag+.tag::before{content:"·";margin-right:.8rem}
.group>h2 .count{margin-left:auto}
.group>h2 .count::before{content:none!important}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.6rem}
table{border-collapse:collapse;width:100%;min-width:62rem;table-layout:fixed;font-size:.91rem}
th,td{padding:.5rem .8rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{background:var(--head);color:var(--soft);font-size:.8rem;font-weight:600;
vertical-align:bottom}
tbody tr+tr>*{border-top:1px solid var(--line)}
tbody th{font-weight:400}
td small,th small{display:block;color:var(--soft);font-size:.8rem;line-height:1.4}
.m{font-family:var(--mono);font-size:.87rem}
.m small{font-family:system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
.l{font-family:var(--mono);font-size:.8rem;color:var(--soft)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.t{font-variant-numeric:tabular-nums}.t time{white-space:nowrap}
.s b{display:inline-block;white-space:nowrap;overflow-wrap:normal;font-weight:560;
font-size:.82rem;line-height:1.35;padding:.1rem .55rem;border-radius:1rem;background:var(--head);
color:var(--soft)}
.s .good{background:var(--good-bg);color:var(--good)}
.s .warn{background:var(--warn-bg);color:var(--warn)}
.s .bad{background:var(--bad-bg);color:var(--bad)}
:root:has(#only:checked) tr[data-ok],
:root:has(#only:checked) .group:not(:has(tr:not([data-ok])>td)){display:none}
.patch{margin:.5rem 0 0;background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.6rem 1rem}
.patch pre{margin:.6rem 0 .2rem;overflow-x:auto;font:.82rem/1.55 var(--mono);tab-size:2}
.patch ins{color:var(--good);text-decoration:none;background:var(--good-bg)}
.patch del{color:var(--bad);text-decoration:none;background:var(--bad-bg)}
.patch ins,.patch del{display:inline-block;min-width:100%}
.drawing{margin:0 0 1.8rem;background:var(--card);border:1px solid var(--line);
border-radius:.6rem;padding:1rem}
.drawing svg{display:block;width:100%;height:auto}
.drawing figcaption{color:var(--soft);font-size:.87rem;margin-top:.6rem}
.drawing text{font:13px var(--mono);fill:var(--ink)}
.drawing .head text{font:600 12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;
fill:var(--soft)}
.drawing circle{fill:var(--ink)}
.drawing path{fill:none;stroke-linecap:round;opacity:.42}
.steady{stroke:var(--accent);--k:var(--accent)}.other{stroke:#5b7fc4;--k:#5b7fc4}.new{
stroke:#d08a12;--k:#d08a12}
.stopped{stroke:var(--soft);--k:var(--soft);stroke-dasharray:2 9}
.key{white-space:nowrap;margin-left:.9rem}.key i{display:inline-block;width:1.5rem;height:.5rem;
border-radius:.25rem;background:var(--k);margin-right:.4rem;opacity:.7}
.key .stopped{opacity:.35}
.empty{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:2rem;
text-align:center;color:var(--soft)}
footer{margin-top:2.5rem;padding-top:.9rem;border-top:1px solid var(--line);color:var(--soft);
font-size:.85rem}
@media (max-width:40rem){body{padding:1.25rem 1rem 3rem}h1{font-size:1.65rem}}
@media print{
@page{size:A4 landscape;margin:13mm 12mm;
@bottom-right{content:counter(page) " / " counter(pages);font:8px sans-serif;color:#444}}
:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#c8ccd0;
--head:#f0f2f2;--accent:#0b6a5d;--accent-soft:#dcefeb;
--good:#176b41;--good-bg:#e3f3ea;--warn:#7d4e00;--warn-bg:#fcefd3;--bad:#a8201a;--bad-bg:#fce5e3}
html{font-size:10.5px;background:#fff}body{max-width:none;padding:0}
.skip,.bar,.index{display:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.group{content-visibility:visible;break-inside:auto}
.group>h2{break-after:avoid}
.scroll,.patch pre{overflow:visible}
.patch pre{white-space:pre-wrap}
table{min-width:0}
details::details-content{content-visibility:visible;display:block;block-size:auto}
thead{display:table-header-group;break-after:avoid}
tr,.figures li,.notes,.patch summary{break-inside:avoid}
tbody tr:first-child{break-before:avoid}tbody tr:last-child{break-before:avoid}
.patch summary{break-after:avoid}}
`.trim();
